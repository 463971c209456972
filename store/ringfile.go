package store

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// LoadRing reads a key ring file. It refuses one that others than its owner
// may read.
func LoadRing(path string) (*Ring, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the path
	if err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key ring %s has mode %#o and others than its owner may read it; do \"chmod 600 %s\" "+
			"and consider who has read the keys", path, mode.Perm(), path)
	}
	b := make([]byte, maxRing+1)
	n, err := readFull(f, b)
	if err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	r, err := ParseRing(b[:n])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// NewRingFile makes a key ring file with one random key, mode 0600. It refuses
// to replace a file: with its keys the database would be lost.
func NewRingFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the path
	if err != nil {
		return fmt.Errorf("make key ring: %w", err)
	}
	_, err = fmt.Fprintf(f, "# Keys of Portvakt's database and tickets. Keep a copy apart from the backups:\n"+
		"# without this file they cannot be read.\n%s", keyLine(1, true))
	return errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
}

// AddKey adds a random key to a key ring file and returns its id. With
// activate it becomes the active one; nodes that share the ring must all have
// the key before one of them uses it, so add it first and activate it later.
func AddKey(path string, activate bool) (id byte, err error) {
	r, err := LoadRing(path)
	if err != nil {
		return 0, err
	}
	old, err := os.ReadFile(path) //nolint:gosec // the operator names the path
	if err != nil {
		return 0, err
	}
	next := 1
	for ; r.keys[byte(next)] != nil; next++ {
		if next == 255 {
			return 0, errors.New("key ring has no free id; rewrap the database and remove old keys")
		}
	}
	id = byte(next)
	active := r.active
	if activate {
		active = id
	}
	return id, replaceFile(path, mark(string(old), r, active)+keyLine(id, activate))
}

// mark rewrites the lines of a key ring so that active is marked, and keeps
// comments.
func mark(text string, r *Ring, active byte) string {
	if key := r.keys[0]; len(r.keys) == 1 && key != nil && !strings.Contains(strings.TrimSpace(text), " ") {
		text = "0 " + base64.StdEncoding.EncodeToString(key) + "\n"
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		code, comment, has := strings.Cut(strings.TrimRight(line, "\r\n"), "#")
		if f := strings.Fields(code); len(f) >= 2 {
			code = f[0] + " " + f[1]
			if id, _ := strconv.ParseUint(f[0], 10, 8); byte(id) == active {
				code += " active"
			}
			if has {
				code += " "
			}
		}
		out.WriteString(code)
		if has {
			out.WriteString("#" + comment)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func keyLine(id byte, active bool) string {
	key := make([]byte, keyLen)
	_, _ = rand.Read(key)
	line := fmt.Sprintf("%d %s", id, base64.StdEncoding.EncodeToString(key))
	if active {
		line += " active"
	}
	return line + "\n"
}

// replaceFile writes a whole file or leaves the old one.
func replaceFile(path, text string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the path
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if info, serr := os.Stat(path); serr == nil {
		err = errors.Join(err, chownLike(f, info))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return os.Rename(fresh, path)
}

// readFull reads until b is full or the file ends.
func readFull(r io.Reader, b []byte) (int, error) {
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// chownLike gives f the owner of the file it replaces: root may rotate the
// keys of a daemon that runs as another user.
func chownLike(f *os.File, like os.FileInfo) error {
	if st, ok := like.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return f.Chown(int(st.Uid), int(st.Gid))
	}
	return nil
}
