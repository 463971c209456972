package peer

import (
	"crypto/md5"
	"encoding/binary"
	"net"
	"testing"
)

// Accounting answers every Accounting-Request at a UDP address with an
// Accounting-Response (RFC 2866, section 4.2), until the end of the test. It
// keeps nothing: it is for products that let nobody in without.
func Accounting(t testing.TB, address, secret string) {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDP(packet)
			if err != nil {
				return
			}
			if reply := accountingResponse(packet[:n], secret); reply != nil {
				_, _ = conn.WriteToUDP(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
}

const (
	accountingRequest  = 4
	accountingAnswered = 5
	radiusHeader       = 20
)

// accountingResponse is a reply without attributes.
func accountingResponse(request []byte, secret string) []byte {
	if len(request) < radiusHeader || request[0] != accountingRequest {
		return nil
	}
	reply := append([]byte{accountingAnswered, request[1], 0, 0}, request[4:radiusHeader]...)
	binary.BigEndian.PutUint16(reply[2:], radiusHeader)
	// RFC 2866, section 3: the Response Authenticator.
	sum := md5.Sum(append(reply[:radiusHeader:radiusHeader], secret...))
	copy(reply[4:], sum[:])
	return reply
}
