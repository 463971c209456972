package socket

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// A Desk answers the requests of the service desk, in a form of its own: it
// decides what may be asked. uid is who asks; the kernel says so.
type Desk func(ctx context.Context, uid uint32, request []byte) ([]byte, error)

// ServeDesk is [Serve] for a socket whose users may not read and write the
// store: whatever they ask goes to desk, and nothing else is known here.
func ServeDesk(ctx context.Context, l net.Listener, desk Desk, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return (&server{desk: desk, o: Options{Log: log}, slots: make(chan struct{}, maxConns)}).run(ctx, l)
}

func (s *server) atDesk(ctx context.Context, m message, uid uint32, send func(message) error) error {
	if m.kind != opDesk {
		return errors.New("this socket is the service desk's, which may not do that")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	b, err := s.desk(ctx, uid, m.data)
	if err != nil {
		return err
	}
	_, err = chunks(send).Write(b)
	return err
}

// Ask sends a request to the service desk's socket.
func (kv *KV) Ask(ctx context.Context, request []byte) ([]byte, error) {
	var b []byte
	err := kv.do(ctx, message{kind: opDesk, data: request}, func(m message) error {
		if b = append(b, m.data...); len(b) > maxStatus {
			return errors.New("admin socket: the answer is too long")
		}
		return nil
	})
	return b, err
}
