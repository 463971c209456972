package peer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A StrongSwan is a gateway that strongSwan is, and that asks people by IKEv1
// and XAuth: what of it sends passwords as PAP. Its eap-radius plug-in asks
// RADIUS.
type StrongSwan struct {
	// Inside is an address behind the gateway.
	Inside string

	gateway charon
}

// strongSwanShared is the secret of the group that IKEv1 wants before XAuth.
const strongSwanShared = "secret-of-the-group"

// A charon is strongSwan's daemon. Its file of the process id is compiled in,
// so that it sees a /run of its own.
type charon struct {
	folder  string
	process *process
	inside  func(program string, args ...string) []string
}

const strongSwanBehind = "10.88.0.1"

// strongSwanDAE has the gateway account, and take orders about its sessions, at
// the port that RFC 5176 gives.
const strongSwanDAE = `
  accounting = yes
  dae {
    enable = yes
    listen = 127.0.0.1
    secret = %s
  }`

// StartStrongSwan starts a gateway at [GatewayAddress] that ends with the test;
// there must be a [Computer] before. The plug-in waits so long for a reply to
// each of tries requests.
func StartStrongSwan(t testing.TB, radius, secret string, wait time.Duration, tries int) *StrongSwan {
	t.Helper()
	return startStrongSwan(t, radius, secret, wait, tries, "")
}

// StartStrongSwanTold is StartStrongSwan with accounting to port 1813 of the
// same host, and with sessions that end when the gateway is told so.
func StartStrongSwanTold(t testing.TB, radius, secret string, wait time.Duration, tries int) *StrongSwan {
	t.Helper()
	return startStrongSwan(t, radius, secret, wait, tries, fmt.Sprintf(strongSwanDAE, secret))
}

func startStrongSwan(t testing.TB, radius, secret string, wait time.Duration, tries int, more string) *StrongSwan {
	t.Helper()
	host, port, err := net.SplitHostPort(radius)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "ip", "addr", "add", strongSwanBehind+"/32", "dev", "lo")
	here := func(program string, args ...string) []string { return append([]string{find(program)}, args...) }
	s := &StrongSwan{Inside: strongSwanBehind}
	s.gateway = startCharon(t, here, fmt.Sprintf(`
eap-radius {
  load = yes
  nas_identifier = strongswan
  station_id_with_port = no
  retransmit_timeout = %d
  retransmit_base = 1.0
  retransmit_tries = %d
  servers {
    portvakt {
      address = %s
      auth_port = %s
      secret = %s
    }
  }%s
}`, int(wait.Seconds()), tries, host, port, secret, more), strongSwanGateway)
	return s
}

// A child's traffic is encrypted in user space, where no other cipher is loaded.
const strongSwanGateway = `
connections {
  people {
    version = 1
    pools = people
    proposals = aes128-sha256-modp2048
    local {
      auth = psk
      id = gateway.example.test
    }
    remote {
      auth = psk
    }
    remote-xauth {
      auth = xauth-radius
    }
    children {
      net {
        local_ts = ` + strongSwanBehind + `/32
        esp_proposals = aes128-sha256
      }
    }
  }
}
pools {
  people {
    addrs = 10.89.0.0/24
  }
}
secrets {
  ike-group {
    secret = ` + strongSwanShared + `
  }
}
`

const strongSwanPerson = `
connections {
  home {
    version = 1
    remote_addrs = ` + GatewayAddress + `
    vips = 0.0.0.0
    proposals = aes128-sha256-modp2048
    local {
      auth = psk
      id = computer
    }
    local-xauth {
      auth = xauth
      xauth_id = %s
    }
    remote {
      auth = psk
      id = gateway.example.test
    }
    children {
      net {
        remote_ts = ` + strongSwanBehind + `/32
        esp_proposals = aes128-sha256
      }
    }
  }
}
secrets {
  xauth-person {
    id = %s
    secret = "%s"
  }
  ike-group {
    secret = ` + strongSwanShared + `
  }
}
`

const charonConfig = `
charon {
  load_modular = yes
  filelog {
    stderr {
      default = 1
    }
  }
  plugins {
    include /etc/strongswan.d/charon/*.conf
    kernel-libipsec {
      load = yes
    }
    bypass-lan {
      load = no
    }
    dhcp {
      load = no
    }
    farp {
      load = no
    }
    stroke {
      load = no
    }
    vici {
      load = yes
      socket = unix://%s
    }
    %s
  }
}
`

// startCharon starts one with a plug-in's settings and what swanctl loads.
func startCharon(t testing.TB, inside func(string, ...string) []string, plugin, connections string) charon {
	t.Helper()
	const program = "/usr/lib/ipsec/charon"
	Need(t, program, "swanctl", "unshare")
	needModule(t, "libstrongswan-eap-radius.so", []string{"/usr/lib/ipsec/plugins"})
	needModule(t, "libstrongswan-xauth-eap.so", []string{"/usr/lib/ipsec/plugins"})
	needTun(t)
	c := charon{folder: t.TempDir(), inside: inside}
	config := write(t, filepath.Join(c.folder, "strongswan.conf"), fmt.Sprintf(charonConfig, c.socket(), plugin))
	args := inside("unshare", "--mount", "sh", "-c", `mount -t tmpfs tmpfs /run && STRONGSWAN_CONF="$0" exec "$1"`, config, program)
	c.process = start(t, &Output{}, args[0], args[1:]...)
	t.Cleanup(func() {
		c.process.stop()
		if t.Failed() {
			t.Logf("log of charon:\n%s", c.process.log)
		}
	})
	c.process.until(t, "charon", func() bool { _, err := os.Stat(c.socket()); return err == nil })
	write(t, filepath.Join(c.folder, "swanctl.conf"), connections)
	if out, err := c.swanctl("--load-all", "--noprompt"); err != nil {
		t.Fatalf("swanctl: %v\n%s", err, out)
	}
	return c
}

func (c *charon) socket() string { return filepath.Join(c.folder, "vici") }

func (c *charon) swanctl(args ...string) (string, error) {
	args = append(args, "--uri", "unix://"+c.socket())
	if args[0] == "--load-all" {
		args = append(args, "--file", filepath.Join(c.folder, "swanctl.conf"))
	}
	args = c.inside("swanctl", args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SWANCTL_DIR="+c.folder, "STRONGSWAN_CONF="+filepath.Join(c.folder, "strongswan.conf"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Connect signs somebody in on a computer, and returns whether the tunnel came
// up and was used, and what was said. Then it ends the tunnel.
func (s *StrongSwan) Connect(t testing.TB, c *Computer, user, password string) (up bool, said string) {
	t.Helper()
	up, said, end := s.Stay(t, c, user, password)
	end()
	return up, said
}

// Stay is Connect with a tunnel that stays until end is called.
func (s *StrongSwan) Stay(t testing.TB, c *Computer, user, password string) (up bool, said string, end func()) {
	t.Helper()
	if strings.ContainsAny(password, "\"\\\n") {
		t.Fatal("swanctl.conf takes a password without quotes")
	}
	person := startCharon(t, c.inside, "eap-radius {\n load = no\n }", fmt.Sprintf(strongSwanPerson, user, user, password))
	said, err := person.swanctl("--initiate", "--child", "net", "--timeout", "60")
	return err == nil && c.Reaches(t, s.Inside), said, person.process.stop
}

// Connected lists who is connected to the gateway, as it says.
func (s *StrongSwan) Connected(t testing.TB) string {
	t.Helper()
	said, err := s.gateway.swanctl("--list-sas")
	if err != nil {
		t.Fatalf("swanctl: %v\n%s", err, said)
	}
	return said
}
