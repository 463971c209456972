package client

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

var shared = secret.New("a shared secret of thirty octets")

// quick is how long one try waits for a reply that does not come.
const quick = 300 * time.Millisecond

// A responder answers each datagram with what its script makes of it.
type responder struct {
	socket *net.UDPConn
	mu     sync.Mutex
	seen   [][]byte
}

// respond starts a responder on a loopback address; n counts datagrams from 1.
func respond(t testing.TB, address string, script func(n int, request []byte) [][]byte) *responder {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
	if err != nil {
		t.Fatal(err)
	}
	r := &responder{socket: socket}
	var done sync.WaitGroup
	done.Go(func() {
		buffer := make([]byte, maxPacket)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			request := append([]byte(nil), buffer[:n]...)
			r.mu.Lock()
			r.seen = append(r.seen, request)
			count := len(r.seen)
			r.mu.Unlock()
			for _, reply := range script(count, request) {
				socket.WriteToUDPAddrPort(reply, from)
			}
		}
	})
	t.Cleanup(func() {
		socket.Close()
		done.Wait()
	})
	return r
}

func (r *responder) requests() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func (r *responder) client() *Client {
	return &Client{Server: r.socket.LocalAddr().String(), Secret: shared, Timeout: 5 * time.Second, Tries: 1}
}

// reply builds a signed reply.
func reply(request []byte, code Code, attributes ...byte) []byte {
	packet := make([]byte, headerSize)
	packet[0], packet[1] = byte(code), request[1]
	copy(packet[4:], request[4:headerSize])
	packet = append(packet, typeMessageAuthenticator, 18)
	packet = append(packet, make([]byte, 16)...)
	packet = append(packet, attributes...)
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	h := hmac.New(md5.New, []byte(shared.Reveal()))
	h.Write(packet)
	copy(packet[headerSize+2:], h.Sum(nil))
	return seal(packet)
}

// unsigned builds a reply without Message-Authenticator.
func unsigned(request []byte, code Code, attributes ...byte) []byte {
	packet := make([]byte, headerSize)
	packet[0], packet[1] = byte(code), request[1]
	copy(packet[4:], request[4:headerSize])
	packet = append(packet, attributes...)
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	return seal(packet)
}

// seal replaces the Request Authenticator in a reply by the Response
// Authenticator.
func seal(packet []byte) []byte {
	sum := md5.Sum(append(append([]byte(nil), packet...), shared.Reveal()...))
	copy(packet[4:headerSize], sum[:])
	return packet
}

func avp(kind byte, value string) []byte {
	return append([]byte{kind, byte(2 + len(value))}, value...)
}

func one(packet []byte) [][]byte { return [][]byte{packet} }
