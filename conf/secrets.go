package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/portvakt/portvakt/conf/secret"
)

// maxSecret bounds a secret's file: a private key with its chain fits.
const maxSecret = 64 << 10

const (
	credentialsVariable = "CREDENTIALS_DIRECTORY" // systemd.exec(5), LoadCredential=

	secretForms = `write "text", { file = "path" }, { env = "NAME" } or { credential = "name" }` //nolint:gosec // the forms, not a secret
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readSecret reads a secret from what the file has for it: the text itself, or
// one of the places that it can be kept in.
func (s source) readSecret(from any) (secret.Value, error) {
	switch from := from.(type) {
	case string:
		if from == "" {
			return secret.Value{}, fault{"is an empty secret", secretForms}
		}
		return secret.New(from), nil
	case map[string]any:
		if len(from) != 1 {
			return secret.Value{}, fault{"needs exactly one of file, env and credential", secretForms}
		}
		for kind, where := range from {
			where, ok := where.(string)
			if !ok || where == "" {
				return secret.Value{}, fault{"needs a text behind file, env or credential", secretForms}
			}
			return s.fetchSecret(kind, where)
		}
	}
	return secret.Value{}, fault{"is not a secret", secretForms}
}

func (s source) fetchSecret(kind, where string) (secret.Value, error) {
	switch kind {
	case "env":
		if !envName.MatchString(where) {
			// What is no name may be the secret itself, so it is not shown.
			return secret.Value{}, fault{"needs the name of an environment variable behind env", secretForms}
		}
		text := os.Getenv(where)
		if text == "" {
			return secret.Value{}, fault{fmt.Sprintf("needs the environment variable %q, which is not set", where), "set it, or use { file = … }"}
		}
		return secret.New(text), nil
	case "file", "credential":
		path, err := s.secretPath(kind, where)
		if err != nil {
			return secret.Value{}, err
		}
		return readSecretFile(path)
	}
	return secret.Value{}, fault{fmt.Sprintf("cannot come from %q", kind), secretForms}
}

// secretPath is the file of a secret. What systemd's LoadCredential= has put
// in place is named by { credential = "name" } or below
// $CREDENTIALS_DIRECTORY; other paths are relative to the configuration file.
func (s source) secretPath(kind, where string) (string, error) {
	name, below := strings.CutPrefix(where, "$"+credentialsVariable+"/")
	if !below {
		name, below = strings.CutPrefix(where, "${"+credentialsVariable+"}/")
	}
	if kind == "credential" {
		name, below = where, true
	}
	if !below {
		if filepath.IsAbs(where) {
			return where, nil
		}
		return filepath.Join(s.dir, where), nil
	}
	dir := os.Getenv(credentialsVariable)
	if dir == "" {
		return "", fault{"needs $" + credentialsVariable + ", which is not set", "run it as a systemd service with LoadCredential=, or use { file = … }"}
	}
	if name != filepath.Base(name) || name == ".." || name == "." {
		return "", fault{fmt.Sprintf("names the credential %q, which is not the name of a file", name), "write the name that LoadCredential= gives it"}
	}
	return filepath.Join(dir, name), nil
}

func readSecretFile(path string) (secret.Value, error) {
	info, err := os.Stat(path) // before opening: a pipe would wait for a writer
	if err != nil {
		return secret.Value{}, fileFault(path, err)
	}
	if !info.Mode().IsRegular() {
		return secret.Value{}, fault{fmt.Sprintf("needs the file %q, which is not a regular file", path), ""}
	}
	if info.Mode()&0o007 != 0 {
		return secret.Value{}, fault{fmt.Sprintf("needs the file %q, which everybody on this machine may use (mode %04o)", path, info.Mode().Perm()), "chmod 600 " + path + ", and change the secret if others can have read it"}
	}
	f, err := os.Open(path) //nolint:gosec // the administrator names the path
	if err != nil {
		return secret.Value{}, fileFault(path, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return secret.Value{}, fileFault(path, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecret:
		return secret.Value{}, fault{fmt.Sprintf("needs the file %q, which has more than %d octets", path, maxSecret), ""}
	case text == "":
		return secret.Value{}, fault{fmt.Sprintf("needs the file %q, which is empty", path), "write the secret into it"}
	}
	return secret.New(text), nil
}

// fileFault says why a file cannot be read.
func fileFault(path string, err error) fault {
	f := fault{text: fmt.Sprintf("needs the file %q, which cannot be read", path)}
	var perr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.text = fmt.Sprintf("needs the file %q, which does not exist", path)
		f.hint = "make it with mode 0600"
	case errors.Is(err, fs.ErrPermission):
		f.text = fmt.Sprintf("needs the file %q, which this user may not read", path)
		f.hint = "make it belong to the user that the service runs as"
	case errors.As(err, &perr):
		f.text += ": " + perr.Err.Error()
	}
	return f
}

// compareSecret warns of secrets that more people can read than need to.
func (l *loader) compareSecret(n *node) {
	if n.kind == unstable.String {
		if l.src.public && !l.leaky {
			l.leaky = true // one warning: the file has one mode
			l.warn(n, "is a secret in a file that everybody on this machine can read",
				"chmod 600 "+l.src.name+", or write { file = … }")
		}
		return
	}
	if n.kind != unstable.Table {
		return
	}
	if len(n.order) == 0 {
		// The decoder never sees an empty table.
		l.problem(n, "is an empty secret", secretForms)
		return
	}
	for _, kind := range []string{"file", "credential"} {
		c := n.child(kind)
		if c == nil || c.kind != unstable.String {
			continue
		}
		path, err := l.src.secretPath(kind, c.text)
		if err != nil {
			continue // told when it is decoded
		}
		if info, err := os.Stat(path); err == nil && info.Mode()&0o007 == 0 && groupMay(info) {
			l.warn(n, fmt.Sprintf("is in the file %q, which a group may use (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
		}
	}
}

// groupMay reports whether a group can do more with a secret than the usual
// way of giving it to a service account: it belongs to root and the account's
// group reads it.
func groupMay(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode()&0o030 != 0 || info.Mode()&0o040 != 0 && (!ok || owner.Uid != 0)
}
