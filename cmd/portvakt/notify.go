package main

import (
	"net"
	"os"
)

// notify tells a service manager how the daemon stands (sd_notify): one
// datagram to the socket it named. Without one there is nobody to tell.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(state))
}
