package peer

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Prism is a proxy in front of a server that checks requests and replies
// against an OpenAPI description (Stoplight's). What does not fit is answered
// with 422 or 500 and the reason.
type Prism struct {
	URL string

	proc *process
}

const prismWait = 90 * time.Second

// runs reports whether the program has not ended.
func (p *process) runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// npmFolder is where scripts/peers.sh puts npm packages.
func npmFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache", "npm")
		}
	}
	t.Fatal("no module above this folder")
	return ""
}

// StartPrismTwilio starts a Prism in front of an upstream that speaks Twilio's
// API of calls and messages, with the description that Twilio publishes.
func StartPrismTwilio(t testing.TB, upstream string) *Prism {
	t.Helper()
	folder := npmFolder(t)
	program := filepath.Join(folder, "node_modules", ".bin", "prism")
	Need(t, "node", program)
	port := FreePort(t)
	p := &Prism{URL: "http://" + address("127.0.0.1", port)}
	description := twilioDescription(t, filepath.Join(folder, "unpacked", "@twilio", "cli-core"))
	p.proc = start(t, new(Output), program, "proxy", "--errors", "-h", "127.0.0.1", "-p", strconv.Itoa(port), description, upstream)
	t.Cleanup(p.proc.stop)
	ready := listens(address("127.0.0.1", port))
	// It has much to load, and a busy machine takes its time.
	for late := time.Now().Add(prismWait); !ready() && time.Now().Before(late) && p.proc.runs(); {
		time.Sleep(10 * pollEvery)
	}
	p.proc.until(t, "prism", ready)
	return p
}

// twilioDescription writes the part of the description that is used here: the
// whole takes seconds to read.
func twilioDescription(t testing.TB, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "src", "services", "twilio-api", "twilio_api_v2010.json"))
	if err != nil {
		t.Fatalf("Twilio's description, which scripts/peers.sh unpacks: %v", err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	const account = "/2010-04-01/Accounts/{AccountSid}/"
	used := []string{account + "Calls.json", account + "Calls/{Sid}.json", account + "Messages.json"}
	paths := at(t, d, "paths")
	for path := range paths {
		if !slices.Contains(used, path) {
			delete(paths, path)
		}
	}
	// By default a list is its name repeated (OpenAPI 3.0, section 4.7.14);
	// Prism does so only when it is told.
	form := at(t, paths, used[0], "post", "requestBody", "content", "application/x-www-form-urlencoded")
	form["encoding"] = map[string]any{"StatusCallbackEvent": map[string]any{"style": "form", "explode": true}}
	prune(t, d, at(t, d, "components", "schemas"))
	if text, err = json.Marshal(d); err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "twilio.json"), string(text))
}

var reference = regexp.MustCompile(`"#/components/schemas/([^"]+)"`)

// prune takes out the schemas that nothing refers to any more.
func prune(t testing.TB, d, schemas map[string]any) {
	t.Helper()
	used := make(map[string]bool)
	var follow func(v any)
	follow = func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reference.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !used[name] {
				used[name] = true
				follow(schemas[name])
			}
		}
	}
	follow(d["paths"])
	for name := range schemas {
		if !used[name] {
			delete(schemas, name)
		}
	}
}

// at goes down into a JSON value.
func at(t testing.TB, in map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, key := range path {
		below, ok := in[key].(map[string]any)
		if !ok {
			t.Fatalf("Twilio's description has no %q at %q", key, path)
		}
		in = below
	}
	return in
}

// Complaints are what did not fit the description so far.
func (p *Prism) Complaints() []string {
	var all []string
	for line := range strings.Lines(p.proc.log.String()) {
		if strings.Contains(line, "Violation") || strings.Contains(line, "terminated with error") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// Refuses reports whether a request is refused: that the proxy checks at all.
func (p *Prism) Refuses(t testing.TB, path, user, password, form string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusUnprocessableEntity
}
