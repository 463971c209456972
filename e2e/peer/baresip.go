package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// NetworkAddress is this machine's address in a test's own network: baresip
// does not talk by 127.0.0.1.
const NetworkAddress = "10.84.0.1"

const networkEnv = "PEER_NETWORK_OF"

// OwnNetwork runs the test that calls it in a network of its own, which has
// [NetworkAddress] and nothing else, so that ports are free. It returns true
// there; when it returns false, the test is over, and failed if it failed
// there. When it was skipped there it is skipped here and does not return. It
// needs root.
func OwnNetwork(t *testing.T) (inside bool) {
	t.Helper()
	NeedRoot(t)
	Need(t, "ip")
	if os.Getenv(networkEnv) == t.Name() {
		run(t, "ip", "link", "set", "lo", "up")
		run(t, "ip", "addr", "add", NetworkAddress+"/32", "dev", "lo")
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=true", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), networkEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()+" ("):
		t.Skipf("SKIPPED in its own network:\n%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ("):
		t.Errorf("in its own network: %v\n%s", err, out)
	}
	return false
}

// BaresipOptions are what a test may want to be different.
type BaresipOptions struct {
	// User is the part of its address before the @.
	User string
	// TLS makes it reachable by TLS only, with Cert, and refuse sound that is
	// not encrypted.
	TLS  bool
	Cert Cert
	// Manual lets it ring until Answer.
	Manual bool
}

// A Baresip is a telephone: it rings, answers, records what it hears, and
// presses keys.
type Baresip struct {
	// Addr is where it takes calls.
	Addr string

	folder  string
	p       *process
	control net.Conn
	events  chan baresipEvent
}

type baresipEvent struct {
	Type string `json:"type"`
}

const baresipWait = 20 * time.Second

// StartBaresip starts a telephone that ends with the test. The test must be in
// its [OwnNetwork].
func StartBaresip(t testing.TB, o BaresipOptions) *Baresip {
	t.Helper()
	Need(t, "baresip")
	folder := t.TempDir()
	b := &Baresip{folder: folder, events: make(chan baresipEvent, 64), Addr: NetworkAddress + ":5060"}
	write(t, filepath.Join(folder, "silence.wav"), wavOfSilence(60*time.Second))
	account := fmt.Sprintf("<sip:%s@%s>;regint=0;audio_codecs=PCMU/8000/1,PCMA/8000/1", o.User, NetworkAddress)
	if !o.Manual {
		account += ";answermode=auto"
	}
	certificate := ""
	if o.TLS {
		b.Addr = NetworkAddress + ":5061"
		account = strings.Replace(account, ">", ";transport=tls>", 1) + ";mediaenc=srtp-mand"
		pem := filepath.Join(folder, "certificate.pem")
		write(t, pem, mustRead(t, o.Cert.KeyFile)+mustRead(t, o.Cert.CertFile))
		certificate = "sip_certificate " + pem
	}
	write(t, filepath.Join(folder, "accounts"), account+"\n")
	write(t, filepath.Join(folder, "contacts"), "")
	write(t, filepath.Join(folder, "config"), fmt.Sprintf(baresipConfig, NetworkAddress, certificate, folder))
	b.p = start(t, &Output{}, "baresip", "-f", folder)
	t.Cleanup(func() {
		b.p.stop()
		if t.Failed() {
			t.Logf("baresip:\n%s", b.p.log)
		}
	})
	b.p.until(t, "baresip", listens("127.0.0.1:4444"))
	var err error
	if b.control, err = net.Dial("tcp", "127.0.0.1:4444"); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read()
	}()
	t.Cleanup(func() {
		b.control.Close()
		<-read
	})
	return b
}

const baresipConfig = `
sip_listen %[1]s:5060
sip_transports udp,tcp,tls
%[2]s
call_local_timeout 60
call_max_calls 4
audio_player aufile,%[3]s/heard.wav
audio_source aufile,%[3]s/silence.wav
audio_alert aufile,%[3]s/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 17000-17100
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:4444
snd_path %[3]s
`

func mustRead(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wavOfSilence is what it says while nobody speaks; the end of it would end the
// call.
func wavOfSilence(lasts time.Duration) string {
	data := make([]byte, int(lasts.Seconds())*8000*2)
	h := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(h[4:], uint32(36+len(data)))
	binary.LittleEndian.PutUint32(h[40:], uint32(len(data)))
	return string(h) + string(data)
}

// read collects its events, which come as netstrings of JSON.
func (b *Baresip) read() {
	r := bufio.NewReader(b.control)
	for {
		length, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
		if err != nil || n < 0 || n > 1<<20 {
			return
		}
		text := make([]byte, n+1) // and a comma
		if _, err := io.ReadFull(r, text); err != nil {
			return
		}
		var e baresipEvent
		if json.Unmarshal(text[:n], &e) == nil && e.Type != "" {
			select {
			case b.events <- e:
			default: // nobody waits for so many
			}
		}
	}
}

// Await waits for an event, as "CALL_ESTABLISHED".
func (b *Baresip) Await(t testing.TB, kind string) {
	t.Helper()
	for late := time.After(baresipWait); ; {
		select {
		case e := <-b.events:
			if e.Type == kind {
				return
			}
		case <-late:
			t.Errorf("the telephone has no %s", kind)
			return
		}
	}
}

// Press presses keys.
func (b *Baresip) Press(t testing.TB, keys string) {
	t.Helper()
	for _, key := range keys {
		b.command(t, "sndcode", string(key))
	}
}

func (b *Baresip) command(t testing.TB, name, params string) {
	t.Helper()
	m, err := json.Marshal(map[string]string{"command": name, "params": params, "token": name})
	if err == nil {
		_, err = fmt.Fprintf(b.control, "%d:%s,", len(m), m)
	}
	if err != nil {
		t.Error(err)
	}
}
