package radiusd

import (
	"errors"
	"log/slog"
	"net"
	"runtime"

	"golang.org/x/net/ipv4"

	"github.com/portvakt/portvakt/login"
)

const (
	sendBatch = 64   // datagrams a system call
	sendQueue = 4096 // replies waiting for the sender of a socket
	// fewReplies are not worth a system call while there are others to come.
	fewReplies = 32
)

// An outgoing reply; its octets are shared with the reply cache and never
// change.
type outgoing struct {
	packet []byte
	route  route
}

// offer gives a reply to the sender of the outlet. It does not wait: a reply
// that finds no room is lost like one on the wire, and the NAS asks again.
func (o *outlet) offer(packet []byte, r *route) bool {
	select {
	case o.queue <- outgoing{packet, *r}:
		return true
	default:
		return false
	}
}

// send sends replies until stop is closed and the queue is empty. One goroutine
// a socket does it, as many replies at a time as have gathered: a system call
// for each costs a third more of the CPU.
func (s *Server) send(l *socket, stop <-chan struct{}) {
	var (
		batch [sendBatch]ipv4.Message
		addrs [sendBatch]net.UDPAddr
		bufs  [sendBatch][1][]byte
		oobs  [sendBatch][oobSize]byte
	)
	for i := range batch {
		addrs[i].IP = make(net.IP, 0, net.IPv6len)
	}
	set := func(i int, o *outgoing) {
		a := o.route.to.Addr()
		if a.Is4() {
			b := a.As4()
			addrs[i].IP = append(addrs[i].IP[:0], b[:]...)
		} else {
			b := a.As16()
			addrs[i].IP = append(addrs[i].IP[:0], b[:]...)
		}
		addrs[i].Port, addrs[i].Zone = int(o.route.to.Port()), a.Zone()
		bufs[i][0] = o.packet
		batch[i] = ipv4.Message{Buffers: bufs[i][:], OOB: l.from(oobs[i][:], &o.route), Addr: &addrs[i]}
	}
	for {
		var first outgoing
		select {
		case first = <-l.queue:
		case <-stop:
			select {
			case first = <-l.queue:
			default:
				return
			}
		}
		n := 1
		set(0, &first)
		if len(l.queue) < fewReplies {
			runtime.Gosched() // let more gather behind the first; who yields to many is late
		}
	gather:
		for n < sendBatch {
			select {
			case next := <-l.queue:
				set(n, &next)
				n++
			default:
				break gather
			}
		}
		s.writeBatch(l, batch[:n])
	}
}

// writeBatch sends a batch. A datagram that cannot be sent is counted and left out:
// its address may have been taken away.
func (s *Server) writeBatch(l *socket, batch []ipv4.Message) {
	for len(batch) > 0 {
		n, err := l.batch.WriteBatch(batch, 0)
		if err == nil {
			batch = batch[n:]
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.counters[noteSendError].Add(1)
		s.journal.note(noteSendError, s.now(), func() []slog.Attr {
			return []slog.Attr{slog.Any(login.KeyErr, err)}
		})
		batch = batch[max(n, 0)+1:]
	}
}
