package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
)

// What a script has:
//
//   - portvakt.toml, a whole configuration (scriptConfig, and behind it the
//     script's own more.toml), named by the option $C;
//   - the demonstration's directory behind it, with alice, bjorn, carol and dagny;
//   - $RADIUS, the address that serve listens on, and vpn.secret;
//   - the program "typed", which prints lines for standard input, one for each
//     argument; totp:FILE is the code of the key URI or base 32 secret in a
//     file, with ?next for the one after it;
//   - the commands "directory stop", "signal HUP|TERM" to what runs in the
//     background, and "waitfor FILE PATTERN";
//   - "damage PREFIX", which changes an octet of each value of the database
//     whose key begins so.
const scriptConfig = `[server]
listen       = [%[1]q]
admin        = %[2]q
reject_delay = "0s"
drain        = "5s"

[store]
path = %[3]q
key  = { file = "store.key" }

[ldap]
servers       = [%[4]q]
insecure      = true
bind_dn       = %[5]q
bind_password = { file = "ldap.password" }
base          = %[6]q
timeout       = "2s"

[[client]]
name     = "vpn"
networks = ["127.0.0.0/8"]
secret   = { file = "vpn.secret" }

[totp]
issuer = "Example"
`

// waitLimit bounds how long a script waits for a line of a log.
const waitLimit = 20 * time.Second

type directoryKey struct{}

func setupScript(e *testscript.Env) error {
	const password = "service account"
	directory, err := startDemoDirectory(context.Background(), password)
	if err != nil {
		return err
	}
	e.Defer(directory.stop)
	e.Values[directoryKey{}] = directory
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	radius := conn.LocalAddr().String()
	at := func(name string) string { return filepath.Join(e.WorkDir, name) }
	text := fmt.Sprintf(scriptConfig, radius, at("admin.sock"), at("portvakt.db"), directory.url, demoService, demoBase)
	more, err := os.ReadFile(at("more.toml"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	e.Setenv("C", "--config="+at("portvakt.toml"))
	e.Setenv("RADIUS", radius)
	e.Setenv("TZ", "UTC")
	// Under the race detector each program would sleep a second at its end.
	e.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=10")
	return errors.Join(
		conn.Close(),
		store.NewRingFile(at("store.key")),
		os.WriteFile(at("portvakt.toml"), append([]byte(text), more...), 0o600),
		os.WriteFile(at("vpn.secret"), []byte("eighteen characters\n"), 0o600),
		os.WriteFile(at("ldap.password"), []byte(password+"\n"), 0o600),
	)
}

func scriptDirectory(ts *testscript.TestScript, neg bool, args []string) {
	d, ok := ts.Value(directoryKey{}).(*demoDirectory)
	if neg || !ok || len(args) != 1 || args[0] != "stop" {
		ts.Fatalf("usage: directory stop")
	}
	d.stop()
}

func scriptDamage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage PREFIX")
	}
	ctx := context.Background()
	kv, err := bolt.Open(ts.MkAbs("portvakt.db"), bolt.Options{})
	ts.Check(err)
	damaged := 0
	err = kv.Scan(ctx, args[0], func(key string, v store.Value) error {
		damaged++
		changed := bytes.Clone(v.Data)
		changed[len(changed)-1] ^= 1
		return kv.Swap(ctx, key, v.Rev, changed)
	})
	ts.Check(errors.Join(err, kv.Close()))
	if damaged == 0 {
		ts.Fatalf("no value to damage in %q", args[0])
	}
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": unix.SIGHUP, "TERM": unix.SIGTERM}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|TERM")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(signals[args[0]]))
	}
}

func scriptWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	limit := time.After(waitLimit)
	for {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && pattern.Match(b) {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			ts.Fatalf("%s never had %q; it has:\n%s", args[0], args[1], b)
		}
	}
}

// typed is the program of that name.
func typed() {
	for _, arg := range os.Args[1:] {
		if from, ok := strings.CutPrefix(arg, "totp:"); ok {
			code, err := currentCode(from)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			arg = code
		}
		fmt.Println(arg)
	}
}

// currentCode is the code of the file's secret: now, or with ?next in the next
// time step, which is accepted already and not the same.
func currentCode(from string) (string, error) {
	path, next := strings.CutSuffix(from, "?next")
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	t := totp.NewToken()
	text, query, err := secretOf(string(b))
	if err != nil {
		return "", err
	}
	if t.Seed, err = totp.ParseSeed(text); err != nil {
		return "", err
	}
	if t.Algorithm, err = totp.ParseAlgorithm(query.Get("algorithm")); err != nil {
		return "", err
	}
	number := func(key, usual string) (n int) {
		n, nerr := strconv.Atoi(cmp.Or(query.Get(key), usual))
		err = errors.Join(err, nerr)
		return n
	}
	t.Digits = number("digits", "6")
	t.Period = time.Duration(number("period", "30")) * time.Second
	counter := number("counter", "-1")
	now := time.Now()
	switch {
	case err != nil:
		return "", err
	case counter >= 0 && next:
		return t.Count(uint64(counter) + 1), nil
	case counter >= 0:
		return t.Count(uint64(counter)), nil
	case next:
		now = now.Add(t.Period)
	}
	return t.At(now), nil
}

// secretOf finds a key URI in a text, or takes its first word for a secret and
// the others for the parameters of one, as in "JBSWY3DP digits=8".
func secretOf(text string) (secret string, query url.Values, err error) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "otpauth://") {
			u, err := url.Parse(strings.TrimSpace(line))
			if err != nil {
				return "", nil, err
			}
			return u.Query().Get("secret"), u.Query(), nil
		}
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return "", nil, errors.New("no secret")
	}
	query, err = url.ParseQuery(strings.Join(words[1:], "&"))
	return words[0], query, err
}
