package coa

import "testing"

// FuzzOpen: nothing that comes back breaks the client, and nothing counts that
// was not made with the secret.
func FuzzOpen(f *testing.F) {
	const secret = "a secret"
	request := []byte("\x28\x07\x00\x14abcdefghijklmnop")
	ack := append([]byte{disconnectRequest + 1, 7, 0, headerSize}, request[4:]...)
	copy(ack[4:], hash(ack, secret))
	f.Add(ack)
	f.Add([]byte{disconnectRequest + 2, 7, 0, 22, 1, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		r, err := open(datagram, request, secret)
		if err == nil && string(datagram[:headerSize]) != string(ack) {
			t.Fatalf("believed %+v", r)
		}
	})
}
