package conf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: no file makes Load panic, each problem has a place in the file,
// and the secret that each seed has is in no problem.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("got %v and %v, want files", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("[server\nlisten=[[[{a={b.c=1}}]]]\n[[a.b]]\n[a.b.c]\n\"\"=1\n"))
	f.Add([]byte("a.b=1\na.b.c=2\n[a]\n[[a]]\n[a.b]\n"))
	f.Add([]byte("client=[{secret={file='/etc/hostname',env='x'}},1]\nreply=[{attributes={a=1}}]"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if strings.Contains(string(doc), "file") {
			t.Skip("a secret in a file depends on the machine")
		}
		lines := strings.Count(string(doc), "\n") + 1
		warnings, err := load(source{name: "f", data: doc}, defaults(), options...)
		var ps Problems
		if err != nil && !errors.As(err, &ps) {
			t.Fatalf("got the error %T, want problems", err)
		}
		if err != nil && len(ps) == 0 {
			t.Fatal("got an error without a problem")
		}
		for _, p := range append(warnings, ps...) {
			if p.Place.Line < 0 || p.Place.Line > lines || p.Text == "" {
				t.Errorf("got %#v in a file of %d lines", p, lines)
			}
		}
	})
}

// TestS30NoProblemShowsASecret puts a secret where secrets are, in each of the
// wrong ways that somebody may write it.
func TestS30NoProblemShowsASecret(t *testing.T) {
	const word = "Xq7hunter2zW"
	inDirectory(t)
	for _, doc := range []string{
		"[[client]]\nsecret = WORD\n",
		"[[client]]\nsecret = \"WORD\n",
		"[[client]]\nsecret = 'WORD\nname = 'x'\n",
		"[[client]]\nsecret = \"WORD\\q\"\n",
		"[[client]]\nsecret = \"WORD\" WORD\n",
		"[[client]]\nsecret \"WORD\"\n",
		"[[client]]\nsecret: WORD\n",
		"[[client]]\nsecret = [\"WORD\"]\n",
		"[[client]]\nsecret = { text = \"WORD\" }\n",
		"[[client]]\nsecret = { env = [\"WORD\"] }\n",
		"[[client]]\nsecret = \"WORD\"\nsecret = \"WORD\"\n",
		"[[client]]\nsercet = \"WORD\"\n",
		"[client]\nsecret = \"WORD\"\n",
		"client = \"WORD\"\n",
		"client = [\"WORD\"]\n",
		"store = \"WORD\"\n",
		"[store]\nkey = \"WORD\"\n[store]\nkey = \"WORD\"\n",
		"[store.key]\nWORD = { x = \"WORD\" }\nfile = \"WORD\"\n",
		"ldap = [{ bind_password = \"WORD\" }]\n",
		"[ldap]\nservers = \"ldaps://x:WORD@dc\"\n",
		"[ldap]\nservers = [[\"WORD\"]]\n",
		"[[reply]]\nattributes = \"WORD\"\n",
		"[[reply]]\nattributes = { a = [\"WORD\"] }\n",
		"[server.radsec]\nkey = \"WORD\"\n",
		"[call]\npassword = \"WORD\"\n",
	} {
		doc = strings.ReplaceAll(doc, "WORD", word)
		warnings, err := load(source{name: "f", public: true, data: []byte(doc)}, defaults(), options...)
		if err == nil {
			t.Errorf("got no problem of %q", doc)
			continue
		}
		if all := warnings.Error() + err.Error(); strings.Contains(all, word) {
			t.Errorf("got %s\nof %s", all, doc)
		}
	}
}
