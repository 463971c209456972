package peer

import (
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// What the proxy of a test takes.
const (
	KamailioUser     = "mfa"
	KamailioPassword = "s3cret-of-the-exchange"
	KamailioRealm    = "proxy.example.test"
)

// A Kamailio is a SIP proxy that asks for a user and password, stays in the way
// of its calls (Record-Route), and hands all of them to one exchange.
type Kamailio struct {
	// Addr is where it listens, by UDP and TCP.
	Addr string

	p *process
}

// StartKamailio starts a proxy in front of an exchange, by UDP, that ends with
// the test.
func StartKamailio(t testing.TB, exchange string) *Kamailio {
	t.Helper()
	Need(t, "kamailio")
	modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	if len(modules) == 0 {
		t.Fatal("kamailio has no modules below /usr/lib")
	}
	folder, port := t.TempDir(), sippPort(t)
	k := &Kamailio{Addr: address("127.0.0.1", port)}
	var config strings.Builder
	if err := kamailioConfig.Execute(&config, map[string]any{
		"Addr": k.Addr, "Exchange": exchange, "Modules": modules[0] + "/", "Realm": KamailioRealm, "Password": KamailioPassword,
	}); err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(folder, "kamailio.cfg"), config.String())
	k.p = start(t, &Output{}, "kamailio", "-DD", "-E", "-m", "16", "-M", "4", "-Y", folder, "-f", path)
	t.Cleanup(func() {
		k.p.stop()
		if t.Failed() {
			t.Logf("kamailio:\n%s", k.p.log)
		}
	})
	k.p.until(t, "kamailio", func() bool { return bound("udp", port) && bound("tcp", port) })
	return k
}

var kamailioConfig = template.Must(template.New("kamailio.cfg").Parse(`#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
listen=udp:{{.Addr}}
listen=tcp:{{.Addr}}
mpath="{{.Modules}}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
		sl_send_reply("404", "Not Here"); exit;
	}
	loose_route();
	if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
	if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
	if (!pv_proxy_authenticate("{{.Realm}}", "{{.Password}}", "0")) {
		auth_challenge("{{.Realm}}", "1"); exit;
	}
	consume_credentials();
	record_route();
	$du = "sip:{{.Exchange}}";
	t_relay();
}
`))
