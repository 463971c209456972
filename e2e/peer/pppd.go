package peer

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	// PPPDServer is the address at which pppd asks RADIUS, ports 1812 and 1813.
	PPPDServer = guestHost
	// PPPDNetwork is what it asks from.
	PPPDNetwork = guestNetwork
	// PPPDStation is what it sends as Calling-Station-Id.
	PPPDStation = "198.51.100.7"
	// PPPDPerson is the only address that people are reached at when they have
	// dialled in. RADIUS has to say it.
	PPPDPerson = "10.91.0.7"
)

// A PPPDMethod is how people prove who they are.
type PPPDMethod int

// Methods; by the second one the connection is encrypted too, with keys that
// RADIUS makes.
const (
	PPPDByPAP PPPDMethod = iota
	PPPDByMSCHAPv2
)

// options are those of pppd, at the gateway and at the person's computer.
func (m PPPDMethod) options() (gateway, person string) {
	const encrypted = "require-mppe-128"
	if m == PPPDByPAP {
		return "require-pap", ""
	}
	return "require-mschap-v2\n" + encrypted, encrypted
}

// A PPPD is what people dial in to, as a server for L2TP or PPTP has it: pppd
// with its plug-in radius.so. PPP is of the kernel, so it is in a guest, and so
// are the people.
type PPPD struct {
	guest   *guest
	dialled int
}

// StartPPPD makes one that ends with the test, which must be in its
// [OwnNetwork]; [PPPDServer] is there from then on. The plug-in waits so long
// for a reply to each of tries requests.
func StartPPPD(t testing.TB, secret string, wait time.Duration, tries int) *PPPD {
	t.Helper()
	Need(t, "pppd", "bash")
	needModule(t, "radius.so", []string{"/usr/lib/pppd/*"})
	p := &PPPD{guest: startGuest(t, "ppp_async", "ppp_mppe", "arc4")}
	run(t, "ip", "route", "add", PPPDPerson+"/32", "via", guestAddress)
	write(t, p.guest.path("servers"), fmt.Sprintf("%s %s\n", PPPDServer, secret))
	write(t, p.guest.path("radiusclient.conf"), fmt.Sprintf(pppdRadius, int(wait.Seconds()), tries))
	write(t, p.guest.path("dictionary"), pppdDictionary(t))
	for _, line := range []string{
		"mkdir /etc/ppp",
		": > /etc/ppp/options",
		"ip netns add computer",
	} {
		p.guest.do(t, line)
	}
	return p
}

// pppdDictionary is made of radcli's, as docs/nas/pppd.md has it: the plug-in has
// none of its own.
func pppdDictionary(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"dictionary", "dictionary.microsoft"} {
		b, err := os.ReadFile(needModule(t, name, []string{"/etc/radcli"}))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.ReplaceAll(string(b), "ipv4addr", "ipaddr"))
	}
	return all.String()
}

// pppdRadius has the least that the plug-in takes. It refuses to work without
// seqfile and mapfile, and crashes without the last two.
const pppdRadius = `nas_identifier pppd
authserver ` + PPPDServer + `:1812
acctserver ` + PPPDServer + `:1813
servers /mnt/servers
dictionary /mnt/dictionary
seqfile /run/radius.seq
mapfile /dev/null
radius_timeout %d
radius_retries %d
`

// pppdGateway are the options of the side that is dialled in to, and asks
// RADIUS.
const pppdGateway = `nodetach
debug
logfile /mnt/%[1]s.gateway
local
noipv6
nodefaultroute
noproxyarp
10.91.0.1:
auth
%[2]s
ipparam ` + PPPDStation + `
plugin radius.so
radius-config-file /mnt/radiusclient.conf
pty "ip netns exec computer pppd notty file /mnt/%[1]s.person.options"
`

// pppdPerson are those of the person's computer.
const pppdPerson = `linkname %[1]s
debug
logfile /mnt/%[1]s.person
local
noipv6
defaultroute
noauth
%[2]s
user "%[3]s"
password "%[4]s"
`

// A PPPDSession is one person's connection.
type PPPDSession struct {
	guest *guest
	name  string
}

// Dial has somebody dial in.
func (p *PPPD) Dial(t testing.TB, method PPPDMethod, user, password string) *PPPDSession {
	t.Helper()
	if strings.ContainsAny(user+password, "\"\\\n") {
		t.Fatal("pppd's files take names and passwords without quotes")
	}
	p.dialled++
	s := &PPPDSession{guest: p.guest, name: fmt.Sprint("session", p.dialled)}
	gateway, person := method.options()
	write(t, p.guest.path(s.name+".gateway.options"), fmt.Sprintf(pppdGateway, s.name, gateway))
	write(t, p.guest.path(s.name+".person.options"), fmt.Sprintf(pppdPerson, s.name, person, user, password))
	p.guest.do(t, fmt.Sprintf("(pppd file /mnt/%[1]s.gateway.options; : > %[1]s.over) &", s.name))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, the gateway:\n%s\nthe person:\n%s", s.name, s.Gateway(), s.Person())
		}
	})
	return s
}

// Gateway is what the side that asks RADIUS has logged so far.
func (s *PPPDSession) Gateway() string { return s.guest.read(s.name + ".gateway") }

// Person is what her computer has logged so far.
func (s *PPPDSession) Person() string { return s.guest.read(s.name + ".person") }

// Up waits until both sides are connected, or no longer try.
func (s *PPPDSession) Up(t testing.TB) bool {
	t.Helper()
	const up = "remote IP address"
	s.guest.await(t, "connected or refused", func() bool {
		return s.over() || strings.Contains(s.Gateway(), up) && strings.Contains(s.Person(), up)
	})
	return !s.over()
}

func (s *PPPDSession) over() bool { return s.guest.has(s.name + ".over") }

// Reaches reports whether a connection through it to [PPPDServer] carries data
// both ways.
func (s *PPPDSession) Reaches(t testing.TB) bool {
	t.Helper()
	return reaches(t, PPPDServer, func(ctx context.Context, host, port string) string {
		heard := s.name + ".heard"
		s.guest.do(t, fmt.Sprintf("(ip netns exec computer bash -c '%s' %s %s > %s 2>&1; : > %s.done) &", sayHello, host, port, heard, heard))
		for !s.guest.has(heard + ".done") {
			select {
			case <-time.After(pollEvery):
			case <-ctx.Done():
				return "no answer"
			}
		}
		return s.guest.read(heard)
	})
}

// HangUp ends it as the person does.
func (s *PPPDSession) HangUp(t testing.TB) {
	t.Helper()
	s.guest.do(t, fmt.Sprintf("kill $(head -n 1 /run/ppp-%s.pid)", s.name))
	s.guest.await(t, "disconnected", s.over)
}
