package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// makeFile makes a new file that belongs to whom its folder belongs to: what root
// does beside a daemon that runs as another user, the daemon must be able to open.
// It replaces nothing and follows no link: in that folder the daemon's user could
// else have root give her any file.
func makeFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600) //nolint:gosec // the operator names the path
	if err != nil {
		return nil, err
	}
	if err := giveAway(f); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path)) //nolint:gosec // the operator names the path
	}
	return f, nil
}

func giveAway(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(f.Name())) //nolint:gosec // the operator names the path
	if err != nil {
		return err
	}
	st, ok := folder.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
