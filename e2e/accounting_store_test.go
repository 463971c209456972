package e2e_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/server"
)

// What cannot be recorded is not answered, so that the device keeps it (RFC
// 2866, section 2), and is answered when there is room again.
func TestAccountingOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := disk(t, 8<<20)
	d, _, addr := accounted(t, server.Config{Store: dir})
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answered := func(id byte, session string) bool {
		_ = conn.SetReadDeadline(time.Now().Add(shortly))
		if _, err := conn.Write(start(id, session)); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Read(make([]byte, 4096))
		return err == nil
	}
	empty := fill(t, dir)
	var kept []string
	refused := ""
	for n := 0; refused == "" && n < 200; n++ {
		if id := fmt.Sprint("s", n); answered(byte(n), id) {
			kept = append(kept, id)
		} else {
			refused = id
		}
	}
	if refused == "" {
		t.Fatal("everything was answered: the disk was not full")
	}
	d.AwaitLog(t, `"kind":"not_recorded"`)
	empty()
	d.Await(t, "an answer when there is room again", func() bool { return answered(250, refused) })
	d.Kill(t)
	d = d.Start(t)
	there := map[string]bool{}
	for _, s := range sessions(t, d.Site) {
		there[fmt.Sprint(s["session"])] = true
	}
	for _, id := range append(kept, refused) {
		if !there[id] {
			t.Errorf("%s was answered and is lost", id)
		}
	}
}
