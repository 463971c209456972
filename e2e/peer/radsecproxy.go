package peer

import (
	"path/filepath"
	"strings"
	"testing"
)

// Radsecproxy is a running radsecproxy that takes UDP from 127.0.0.1.
type Radsecproxy struct {
	// Addr is where it listens, host and port.
	Addr string

	process *process
}

// Log is what it has written so far.
func (r *Radsecproxy) Log() string { return r.process.log.String() }

// StartRadsecproxy runs radsecproxy with a configuration whose ListenUDP is for
// the port at "LISTEN".
func StartRadsecproxy(t testing.TB, config string) *Radsecproxy {
	t.Helper()
	Need(t, "radsecproxy")
	addr := address("127.0.0.1", freeUDPPort(t))
	file := write(t, filepath.Join(t.TempDir(), "radsecproxy.conf"), strings.ReplaceAll(config, "LISTEN", addr))
	return &Radsecproxy{Addr: addr, process: startUntilSaid(t, "listening for udp on "+addr, "radsecproxy", "-f", "-d", "2", "-c", file)}
}
