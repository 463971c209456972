package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A bad packet is one that no server should answer, or work hard for.
type badPacket struct {
	name string
	make func(w *wire, b []byte) []byte
}

// badPackets are the kinds of a flood, sent in turn.
var badPackets = []badPacket{
	{"random octets", func(_ *wire, b []byte) []byte {
		b = b[:64+rand.IntN(64)]
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		return b
	}},
	{"shorter than a header", func(w *wire, b []byte) []byte {
		return ordinary(w, b)[:headerLen-1]
	}},
	{"longer than it is", func(w *wire, b []byte) []byte {
		b = ordinary(w, b)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)+40))
		return b
	}},
	{"attribute that does not end", func(w *wire, b []byte) []byte {
		b = ordinary(w, b)
		b[headerLen+1] = 255
		return b
	}},
	{"another secret", func(w *wire, b []byte) []byte {
		b = ordinary(w, b)
		b[headerLen+2] ^= 1 // the Message-Authenticator
		return b
	}},
	{"another code", func(w *wire, b []byte) []byte {
		b = ordinary(w, b)
		b[0] = accessChallenge
		return b
	}},
}

// ordinary is a request in good order, for somebody nobody knows.
func ordinary(w *wire, b []byte) []byte {
	var auth nonce
	return w.request(b[:0], byte(rand.Uint32()), &auth, "nobody", "nothing", nil)
}

// floodEvery is how often a burst leaves; at 60,000 a second it has 120.
const floodEvery = 2 * time.Millisecond

// A flood sends bad packets at a rate and counts what comes back.
type flood struct {
	conn     *net.UDPConn
	done     chan struct{}
	wg       sync.WaitGroup
	sent     atomic.Int64
	answered int // read after stop
}

// startFlood starts the flood of a load that has one.
func (l *load) startFlood() (*flood, error) {
	if l.mode != modeFlood || l.flood == 0 {
		return nil, nil
	}
	address, err := net.ResolveUDPAddr("udp", l.server)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUDP("udp", nil, address)
	if err != nil {
		return nil, err
	}
	f := &flood{conn: conn, done: make(chan struct{})}
	f.wg.Go(func() { f.send(newWire(l.secret), l.flood) })
	f.wg.Go(f.listen)
	return f, nil
}

func (f *flood) send(w *wire, rate int) {
	ticker := time.NewTicker(floodEvery)
	defer ticker.Stop()
	began := time.Now()
	buf := make([]byte, maxPacket)
	for {
		select {
		case <-f.done:
			return
		case now := <-ticker.C:
			due := int64(now.Sub(began).Seconds() * float64(rate))
			for i := f.sent.Load(); i < due; i = f.sent.Add(1) {
				_, _ = f.conn.Write(badPackets[i%int64(len(badPackets))].make(w, buf))
			}
		}
	}
}

func (f *flood) listen() {
	buf := make([]byte, maxPacket)
	for {
		if _, err := f.conn.Read(buf); err == nil {
			f.answered++
			continue
		}
		select {
		case <-f.done:
			return
		default: // an ICMP error of an earlier packet
		}
	}
}

// count is how many were sent; none without a flood.
func (f *flood) count() int64 {
	if f == nil {
		return 0
	}
	return f.sent.Load()
}

// stop ends the flood; replies still under way have been counted.
func (f *flood) stop() {
	close(f.done)
	time.Sleep(linger)
	_ = f.conn.Close()
	f.wg.Wait()
}
