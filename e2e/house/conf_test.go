package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/store"
)

var tomlBlock = regexp.MustCompile("(?ms)^```toml\n(.*?)^```")

// usual are the sections without which no file is whole, and what they are
// when an example leaves them out.
var usual = map[string]string{
	"store": "[store]\nkey = { file = \"store.key\" }\n",
	"ldap": `[ldap]
servers = ["ldaps://dc1.example.org"]
bind_dn = "cn=portvakt,dc=example,dc=org"
bind_password = { file = "ldap.password" }
base = "dc=example,dc=org"
`,
}

var (
	secretFile = regexp.MustCompile(`file *= *"(?:/[^"]*/)?([^"/]+)"`)
	clientList = regexp.MustCompile(`(?m)^clients *= *\[(.*)\]`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
	elsewhere  = regexp.MustCompile(`^(?:dir|ca|cert|cert_key|key_file) `) // files and folders that are not here
)

// here leaves out what names files that are looked at while the configuration is
// read; those of [server.radsec] are not, and may not be left out.
func here(block string) string {
	var kept strings.Builder
	section := ""
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "[") {
			section = line
		}
		if !elsewhere.MatchString(line) || strings.HasPrefix(section, "[server.radsec]") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// whole adds to an example what a file needs beside it.
func whole(block string) (string, error) {
	var has map[string]any
	if err := toml.Unmarshal([]byte(block), &has); err != nil {
		return "", err
	}
	block = secretFile.ReplaceAllString(here(block), `file = "$1"`)
	var text strings.Builder
	if sms, ok := has["sms"].(map[string]any); ok && sms["countries"] == nil {
		text.WriteString("[sms]\ncountries = [\"NO\"]\n")
	}
	text.WriteString(block + "\n")
	for _, section := range []string{"store", "ldap"} {
		if _, ok := has[section]; !ok {
			text.WriteString(usual[section])
		}
	}
	if _, ok := has["client"]; ok {
		return text.String(), nil
	}
	names := []string{"vpn"}
	for _, list := range clientList.FindAllStringSubmatch(block, -1) {
		for _, name := range quoted.FindAllStringSubmatch(list[1], -1) {
			if !slices.Contains(names, name[1]) {
				names = append(names, name[1])
			}
		}
	}
	for i, name := range names {
		fmt.Fprintf(&text, "[[client]]\nname = %q\nnetworks = [\"10.%d.0.0/16\"]\nsecret = { file = \"vpn.secret\" }\n", name, 100+i)
	}
	return text.String(), nil
}

// What the documents show can be copied into a file, and the program takes it.
func TestConfigurationInTheDocumentsLoads(t *testing.T) {
	blocks := 0
	for name, text := range files(t, markdown) {
		for _, m := range tomlBlock.FindAllStringSubmatch(text, -1) {
			blocks++
			dir := t.TempDir()
			whole, err := whole(m[1])
			if err != nil {
				t.Errorf("%s: %v in\n%s", name, err, m[1])
				continue
			}
			if err := store.NewRingFile(filepath.Join(dir, "store.key")); err != nil {
				t.Fatal(err)
			}
			for _, file := range secretFile.FindAllStringSubmatch(whole, -1) {
				if path := filepath.Join(dir, file[1]); file[1] != "store.key" {
					write(t, path, "a-secret-of-an-example-in-"+file[1]+"\n")
				}
			}
			path := filepath.Join(dir, "portvakt.toml")
			write(t, path, whole)
			if _, _, err := conf.LoadFile(path); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, m[1])
			}
		}
	}
	if blocks == 0 {
		t.Error("no document shows any configuration")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
