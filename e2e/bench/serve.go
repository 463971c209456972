package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/pprof"
	"time"
)

// servers are the ones this program is itself.
var servers = []string{"floor", "echo", "flow", "refuse"}

// A service is how one of them was asked for.
type service struct {
	listen  string
	users   int
	held    int // more people, of whom each sign-in is held
	hold    time.Duration
	profile string
	out     io.Writer
}

// announce tells the address of a server that is ready, and begins the profile
// if one was asked for. end writes it.
func (s *service) announce(address any) (end func() error, err error) {
	fmt.Fprintln(s.out, address)
	if s.profile == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(s.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

func serveCommand(ctx context.Context, fs *flag.FlagSet, name string, args []string, out io.Writer) error {
	s := service{out: out}
	fs.StringVar(&s.listen, "listen", "127.0.0.1:0", "loopback address and port; what it is gets printed")
	fs.IntVar(&s.users, "users", 10000, "people that flow knows")
	fs.IntVar(&s.held, "held", 0, "people of flow, hold000000 and so on, who are called in place of asked")
	fs.DurationVar(&s.hold, "hold", 15*time.Second, "how long those take to approve")
	fs.StringVar(&s.profile, "profile", "", "write a processor profile of the serving to this file")
	leash := fs.Bool("leash", false, "end when standard input does, so as not to outlive the program that started it")
	ask := fs.Bool("ask", true, "floor asks for a code")
	if err := fs.Parse(args); err != nil {
		return err
	}
	address, err := net.ResolveUDPAddr("udp", s.listen)
	switch {
	case err != nil:
		return err
	case !address.IP.IsLoopback():
		return fmt.Errorf("-listen: %s is not a loopback address: this server lets everybody in", s.listen)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if *leash {
		go func() { // ends with the process
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	switch name {
	case "flow":
		return serveFlow(ctx, s)
	case "refuse":
		return serveRefusals(ctx, s)
	}
	conn, err := net.ListenUDP("udp", address)
	if err != nil {
		return err
	}
	_ = conn.SetReadBuffer(4 << 20) // the kernel caps it
	end, err := s.announce(conn.LocalAddr())
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	if name == "echo" {
		err = echo(ctx, conn)
	} else {
		err = (&floor{conn, newWire(benchSecret), *ask}).serve(ctx)
	}
	return errors.Join(err, end())
}
