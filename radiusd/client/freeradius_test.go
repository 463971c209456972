package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// peer finds a program of another make to test against.
func peer(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing; packages freeradius and freeradius-utils have it", program)
	}
	if err != nil {
		t.Skipf("SKIPPED: %s is missing; packages freeradius and freeradius-utils have it", program)
	}
	return path
}

const radiusdConf = `
prefix = /usr
name = radiusd
logdir = DIR
run_dir = DIR
libdir = /usr/lib/freeradius
raddbdir = DIR
confdir = DIR
radacctdir = DIR
max_request_time = 30
cleanup_delay = 2
max_requests = 1024
log {
  destination = stdout
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
proxy_requests = no
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
  max_requests_per_server = 0
}
client loopback {
  ipaddr = 127.0.0.0/8
  secret = "SECRET"
  require_message_authenticator = yes
}
client loopback6 {
  ipv6addr = ::1
  secret = "SECRET"
  require_message_authenticator = yes
}
modules {
  pap {
  }
  always reject {
    rcode = reject
  }
  always handled {
    rcode = handled
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = PORT
  }
  listen {
    type = auth
    ipv6addr = ::1
    port = PORT
  }
  authorize {
    if (&User-Name == "alice") {
      if (&State) {
        update control {
          &Cleartext-Password := "123456"
        }
      }
      else {
        update control {
          &Cleartext-Password := "secret"
        }
      }
    }
    if (&User-Name == "bob") {
      update control {
        &Cleartext-Password := "builder"
      }
    }
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
      if (ok && &User-Name == "alice" && !&State) {
        update session-state {
          &Tmp-String-0 := "asked"
        }
        update reply {
          &Reply-Message := "Enter your one-time code:"
          &Prompt := No-Echo
        }
        update control {
          &Response-Packet-Type := Access-Challenge
        }
        handled
      }
    }
  }
  post-auth {
    update reply {
      &Fortinet-Group-Name := "vpn-admins"
      &Message-Authenticator := 0x00
    }
  }
}
`

// freeRADIUS runs a server and returns its port.
func freeRADIUS(t *testing.T) string {
	t.Helper()
	program := peer(t, "freeradius")
	both, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(both.LocalAddr().String())
	both.Close()
	dir := t.TempDir()
	conf := strings.NewReplacer("DIR", dir, "PORT", port, "SECRET", shared.Reveal()).Replace(radiusdConf)
	if err := os.WriteFile(filepath.Join(dir, "radiusd.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	dictionaries := "$INCLUDE /usr/share/freeradius/dictionary\n"
	if err := os.WriteFile(filepath.Join(dir, "dictionary"), []byte(dictionaries), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-f", "-d", dir, "-l", "stdout")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, said := make(chan bool, 1), &strings.Builder{}
	go func() {
		defer close(ready)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if said.Len() < 1<<16 {
				fmt.Fprintln(said, lines.Text())
			}
			if strings.Contains(lines.Text(), "Ready to process requests") {
				ready <- true
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		for range ready { // until the reader has seen the end
		}
		cmd.Wait()
		if t.Failed() {
			t.Logf("freeradius said:\n%s", said)
		}
	})
	select {
	case ok := <-ready:
		if !ok {
			t.Fatal("freeradius did not start")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("freeradius is not ready after 30 s")
	}
	return port
}

func TestFreeRADIUSUnderstandsUsAndWeIt(t *testing.T) {
	t.Parallel()
	port := freeRADIUS(t)
	d, err := dictionary.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		c := &Client{Server: net.JoinHostPort(host, port), Secret: shared, Timeout: 10 * time.Second}
		if reply, err := c.Status(t.Context()); err != nil || reply.Code != AccessAccept {
			t.Errorf("Status-Server to %s: got %v (%v)", host, reply.Code, err)
		}
		for _, row := range []struct {
			dialogue             string
			user, password, code string
			want                 string
		}{
			{"a password alone", "bob", "builder", "", `accepted Fortinet-Group-Name = "vpn-admins"`},
			{"a wrong password", "bob", "plumber", "", "refused"},
			{"nobody", "carol", "x", "", "refused"},
			{"password and code", "alice", "secret", "123456", `asked "Enter your one-time code:"; accepted Fortinet-Group-Name = "vpn-admins"`},
			{"password and a wrong code", "alice", "secret", "654321", `asked "Enter your one-time code:"; refused`},
		} {
			said := ""
			got, err := c.Walk(t.Context(), row.user, row.password, func(_ context.Context, prompt string, echo bool) (string, error) {
				said += fmt.Sprintf("asked %q; ", prompt)
				if echo {
					t.Error("the code may not be shown")
				}
				return row.code, nil
			})
			if got.Accepted {
				lines := slices.DeleteFunc(got.Reply.Lines(d), func(line string) bool { return strings.HasPrefix(line, "Message-Authenticator") })
				said += "accepted " + strings.Join(lines, " ")
			} else {
				said += "refused"
			}
			if err != nil || said != row.want {
				t.Errorf("%s by %s: got %s (%v), want %s", row.dialogue, host, said, err, row.want)
			}
		}
	}
	// It drops requests whose Message-Authenticator is wrong, so silence here
	// says that it does check ours above.
	c := &Client{Server: net.JoinHostPort("127.0.0.1", port), Secret: secret.New("another"), Timeout: quick, Tries: 1}
	if _, err := c.Do(t.Context(), Request{User: "bob", Password: "builder"}); !errors.Is(err, ErrNoReply) {
		t.Errorf("with another secret: got %v, want silence", err)
	}
}
