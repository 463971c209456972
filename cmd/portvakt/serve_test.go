package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/store"
)

// A service manager that is told "ready" starts what depends on the server: it
// must not be told before the addresses are bound.
func TestAServerWithoutItsAddressIsNotReady(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	if err := store.NewRingFile(filepath.Join(dir, "store.key")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "portvakt.toml")
	if err := os.WriteFile(config, []byte(`[server]
listen = ["`+taken.LocalAddr().String()+`"]
admin  = "`+filepath.Join(dir, "admin.sock")+`"

[store]
path = "`+filepath.Join(dir, "portvakt.db")+`"
key  = { file = "store.key" }

[ldap]
servers       = ["ldaps://127.0.0.1:9"]
bind_dn       = "cn=portvakt,dc=example,dc=org"
bind_password = "directory"
base          = "dc=example,dc=org"
`), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRootCommand()
	var out bytes.Buffer
	root.SetErr(&out)
	root.SetArgs([]string{"serve", "--config", config})
	if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on") {
		t.Fatalf("got %v, want that the address is taken; it said %s", err, &out)
	}
	if err := manager.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	told := make([]byte, 64)
	if n, err := manager.Read(told); err == nil {
		t.Errorf("the service manager was told %q", told[:n])
	}
}
