package roots_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/internal/roots"
)

func TestAFileOfAuthoritiesIsRead(t *testing.T) {
	t.Parallel()
	if pool, err := roots.Read(""); pool != nil || err != nil {
		t.Errorf("no file: %v, %v, want the system's", pool, err)
	}
	if pool, err := roots.Read(peer.NewCA(t).File); pool == nil || err != nil {
		t.Errorf("a file: %v", err)
	}
}

// A pool without an authority trusts nobody, and one that is nil everybody whom
// the system trusts: what cannot be read must not become either.
func TestWhatIsNoFileOfAuthoritiesIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, row := range map[string]struct{ content, want string }{
		"missing": {"", "no such file"},
		"empty":   {" ", "no certificate in"},
		"text":    {"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "no certificate in"},
	} {
		path := filepath.Join(dir, name)
		if row.content != "" {
			if err := os.WriteFile(path, []byte(row.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		pool, err := roots.Read(path)
		if pool != nil || err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v, want an error with %q and the path", name, pool, err, row.want)
		}
	}
}
