package e2e_test

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// marks are texts that must be found nowhere after a set of sign-ins.
type marks map[string]string

// in reports which of the marks are in an output, whole or as one could miss
// them.
func (m marks) in(t *testing.T, where, text string) {
	t.Helper()
	for what, mark := range m {
		if strings.Contains(text, mark) {
			at := strings.Index(text, mark)
			t.Errorf("%s has the %s: …%q…", where, what, text[max(0, at-80):min(len(text), at+len(mark)+20)])
		}
	}
}

// Whatever people type and however verbose the log is, nothing that anybody
// could log in with is written down in clear (S-28, S-30, S-31).
func TestNoSecretIsWrittenDown(t *testing.T) {
	t.Parallel()
	const (
		password = "Mark-Correct-Password-7431"
		mistyped = "Mark-Mistyped-Password-7432"
		asName   = "Mark-Password-As-Name-7433"
		appended = "Mark-Appended-Password-7434"
	)
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Data: strings.Join([]string{
		"dn: " + peer.UserDN("marked"), "objectClass: inetOrgPerson", "uid: marked", "cn: M", "sn: M", "userPassword: " + password, "", "",
	}, "\n")})
	gateway := server.NewGateway(t)
	metrics := fmt.Sprintf("127.0.0.1:%d", peer.FreePort(t))
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), Server: fmt.Sprintf("reject_delay = \"0s\"\nmetrics = %q", metrics), Client: `append = "comma"`, More: server.SMS(gateway) + "\n[log]\nlevel = \"debug\"\n"})
	seed := server.NewSeed()
	raw, err := base32.StdEncoding.DecodeString(string(seed))
	if err != nil {
		t.Fatal(err)
	}
	secrets := marks{
		"password": password, "mistyped password": mistyped, "password typed as a name": asName, "password with a code behind": appended,
		"service account's password": peer.SlapdPassword, "shared secret": server.Secret, "seed": string(seed), "seed's octets": string(raw),
		"telephone number": "4790000042", "telephone number as typed": "900 00 042",
	}
	site.Enroll(t, "marked", seed)
	printed := []string{site.Must(t, "phone", "add", "marked", telephone)}
	recovery := strings.Fields(site.Must(t, "user", "enroll", "marked", "--recovery"))
	for i, code := range recovery {
		secrets[fmt.Sprintf("recovery code %d", i)] = code
	}
	d := site.Start(t)

	// Every way in, and every slip.
	code, next := seed.Code(t), seed.Next(t)
	secrets["code"], secrets["next code"] = code, next
	d.Admit(t, "marked", password, code)
	d.Admit(t, "marked", password+","+next)
	d.Admit(t, "marked", password, recovery[0])
	state := askWith(t, d, "marked", password)
	sms := exchange(t, d.Client(), "marked", "2", state)
	secrets["code of a message"] = gateway.Code(t)
	want(t, "a code by SMS", exchange(t, d.Client(), "marked", secrets["code of a message"], sms.State()), client.AccessAccept)
	gateway.Answer(500)
	exchange(t, d.Client(), "marked", "2", askWith(t, d, "marked", password))
	d.Refuse(t, "marked", mistyped)
	d.Refuse(t, "marked", appended+",123456")
	d.Refuse(t, asName, "x")
	for _, name := range hostileNames(mistyped) {
		if reply, err := d.Client().Do(t.Context(), client.Request{User: name, Password: mistyped}); err == nil {
			want(t, fmt.Sprintf("%q", name), reply, client.AccessReject)
		}
	}
	slapd.Stop()
	c := d.Client()
	c.Timeout = shortly
	if _, err := c.Do(t.Context(), client.Request{User: "marked", Password: password}); err == nil {
		t.Error("a reply without a directory")
	}
	slapd.Start(t)

	for _, args := range [][]string{
		{"user", "list"},
		{"user", "list", "--json"},
		{"user", "show", "marked"},
		{"explain", "marked", "--client", "vpn"},
		{"check"},
		{"backup", filepath.Join(site.Dir, "copy.db")},
	} {
		r := site.Run(t, "", args...)
		printed = append(printed, r.Stdout, r.Stderr)
	}
	if !d.Reload(t) { // it reads every secret again
		t.Fatal("the configuration was not read again")
	}
	secrets.in(t, "the database while it runs", folder(t, site))
	_, shown := look(t, "http://"+metrics+"/metrics")
	secrets.in(t, "the metrics", shown)
	marks{"name": "marked"}.in(t, "the metrics", shown)
	d.Stop(t) // checks that the log is one JSON object a line
	secrets.in(t, "the log", d.Log())
	secrets.in(t, "what the commands print", strings.Join(printed, "\n"))
	secrets.in(t, "the database", folder(t, site))
	for _, path := range []string{site.Database, filepath.Join(site.Dir, "copy.db")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", path, info, err)
		}
	}
}

// hostileNames are names that could break out of a log line or a filter.
func hostileNames(password string) []string {
	return []string{
		"alice\n{\"level\":\"INFO\",\"msg\":\"login\",\"outcome\":\"accept\"}",
		"alice\",\"outcome\":\"accept\",\"x\":\"",
		"\x1b[2J\x1b[31malice",
		"alice\x00admin",
		"*", "a*", "alice)(uid=*", "\\2a", "alice)(|(uid=*))",
		password + "\r\n", "\xff\xfealice", "\u202ealice", strings.Repeat("A", 253),
		"cn=alice," + peer.SlapdPeople,
	}
}

// folder is everything in a site's folder but the configuration and the key.
func folder(t *testing.T, s *server.Site) string {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(s.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || path == s.File || path == s.Key {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if all.Len() == 0 {
		t.Fatal("there is no database to look at")
	}
	return all.String()
}

// What nobody may have typed is not in the log as typed: it may be a password.
func TestNamesThatNobodyHasAreHashed(t *testing.T) {
	t.Parallel()
	const name = "Hunter2-is-my-password"
	_, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{})
	d.Refuse(t, name, "x")
	plain := d.Config()
	plain.More += "\n[log]\nunknown_users = true\n"
	d.AwaitLog(t, `"reason":"unknown_user"`)
	if d.Count(name) > 0 {
		t.Error("the log has the name")
	}
	d.Configure(t, plain)
	if !d.Reload(t) {
		t.Fatal("the new configuration was refused")
	}
	d.Refuse(t, name, "y") // the same once more would be refused from memory
	d.AwaitLog(t, `"reason":"unknown_user"`, name)
}
