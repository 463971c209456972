package peer

import "testing"

// Two peers that start at the same time must not be told one port.
func TestNoPortIsGivenTwice(t *testing.T) {
	t.Parallel()
	had := map[int]bool{}
	for range 2000 { // the system gives some of these again by itself
		port := FreePort(t)
		if had[port] {
			t.Fatalf("port %d is given twice", port)
		}
		had[port] = true
	}
}
