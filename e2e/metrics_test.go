package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// look asks by HTTP.
func look(t *testing.T, url string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// What a monitor sees of sign-ins, of a directory that goes and comes back, and
// of a server that ends.
func TestMetrics(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	at := fmt.Sprintf("127.0.0.1:%d", peer.FreePort(t))
	accounting := fmt.Sprintf("127.0.0.1:%d", peer.FreePort(t))
	site := server.New(t, server.Config{
		LDAP:   server.LDAP(slapd),
		Server: fmt.Sprintf("reject_delay = \"0s\"\nmetrics = %q\naccounting = [%q]\ndrain = \"30s\"", at, accounting),
	})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	d := site.Start(t)
	d.Admit(t, "alice", peer.UserPassword, seed.Code(t))
	d.Refuse(t, "alice", "no")

	want := []string{
		`portvakt_decisions_total{client="vpn",method="",outcome="reject",reason="bad_password",rule=""} 1`,
		`portvakt_radius_replies_total{client="vpn",port="authentication",reply="accept"} 1`,
		`portvakt_radius_replies_total{client="vpn",port="authentication",reply="challenge"} 1`,
		`portvakt_radius_replies_total{client="vpn",port="authentication",reply="reject"} 1`,
		`portvakt_radius_received_total{port="accounting"} 0`,
		`portvakt_accounting_sessions 0`,
		`portvakt_directory_up 1`,
		`portvakt_emergency_mode 0`,
		`portvakt_store_commit_errors_total 0`,
		`portvakt_decision_duration_seconds_count{outcome="ask"} 1`,
	}
	// A reply is counted once it is on its way: whoever has it may look before.
	var shown string
	d.Await(t, "the metrics "+strings.Join(want, "\n"), func() bool {
		_, shown = look(t, "http://"+at+"/metrics")
		return !slices.ContainsFunc(want, func(line string) bool { return !strings.Contains(shown, "\n"+line+"\n") })
	})
	if !strings.Contains(shown, `outcome="accept",reason="ok"`) || strings.Contains(shown, "portvakt_directory_duration_seconds_count 0") {
		t.Errorf("no accept, or the directory took no time:\n%s", shown)
	}

	ready := func() string {
		code, why := look(t, "http://"+at+"/readyz")
		return fmt.Sprint(code, " ", why)
	}
	if got := ready(); got != "200 ok\n" {
		t.Errorf("ready: %s", got)
	}
	slapd.Stop()
	c := d.Client()
	c.Timeout = shortly
	d.Await(t, "that it is not ready without a directory", func() bool {
		_, _, _ = server.Walk(t, c, "alice", peer.UserPassword, "000000")
		return ready() == "503 the directory does not answer\n"
	})
	slapd.Start(t)
	d.Await(t, "that it is ready again", func() bool { return ready() == "200 ok\n" })
	if !d.Reload(t) {
		t.Error("a reload without changes was refused")
	}
	site.Configure(t, server.Config{LDAP: server.LDAP(slapd), Server: `metrics = "127.0.0.1:1"`})
	if d.Reload(t) {
		t.Error("another address was taken without a restart")
	}
}
