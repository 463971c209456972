package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrServed is wrapped by the error of [Listen] when a daemon answers already.
var ErrServed = errors.New("socket: another daemon answers")

// dialTimeout bounds the look whether a daemon is there: its queue of
// connections may be full.
const dialTimeout = time.Second

// Listen makes the socket at path, mode 0600, and its directory when that is
// missing: the one in /run is gone after a start of the machine. It replaces a
// socket that a killed daemon has left, but not one that answers, nor a file
// that is no socket.
func Listen(path string) (net.Listener, error) { return listen(path, 0o700, 0o600, -1) }

// ListenFor is [Listen] for a socket that the members of a group may use, too:
// mode 0660.
func ListenFor(path string, group int) (net.Listener, error) {
	return listen(path, 0o755, 0o660, group)
}

func listen(path string, dir, mode os.FileMode, group int) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), dir); err != nil {
		return nil, fmt.Errorf("admin socket: %w; make its directory, owned by the daemon's user", err)
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("admin socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return nil, fmt.Errorf("admin socket %s: there is something that is no socket; move it away", path)
	default:
		c, err := net.DialTimeout("unix", path, dialTimeout) //nolint:noctx // bounded, before anything is served
		if err == nil {
			_ = c.Close()
		}
		if !errors.Is(err, unix.ECONNREFUSED) {
			return nil, fmt.Errorf("admin socket %s: %w; stop it first, or give this one another server.admin", path, ErrServed)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("admin socket: %w", err)
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w; its directory must exist and be the daemon's", err)
	}
	// Between the two calls the umask decides; peers are asked for their user
	// all the same. A group's socket is opened to the group last.
	err = os.Chmod(path, 0o600)
	if err == nil && group >= 0 {
		if err = os.Chown(path, -1, group); err == nil {
			err = os.Chmod(path, mode)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return l, nil
}

// allowed says whether a user may use the socket.
func allowed(uid uint32) bool {
	return uid == 0 || int(uid) == os.Geteuid()
}

// nobody is the user of whom the kernel says nothing; 0 would be root.
const nobody = ^uint32(0)

// peer returns the user at the other end.
func peer(c net.Conn) (uid uint32, err error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nobody, fmt.Errorf("a connection by %s has no user", c.RemoteAddr().Network())
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nobody, err
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(cerr, err); err != nil {
		return nobody, err
	}
	return cred.Uid, nil
}
