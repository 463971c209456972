package winbind

import (
	"fmt"
	"strings"
	"testing"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ user, want string }{
		{"changed", "yes"},
		{"unchanged", "new_password_refused"},
		{"wrong", "bad_password"},
		{"ends", "undecided"},
		{"garbage", "undecided"},
		{"x\nUsername: changed\n.\n", "undecided"},
	} {
		p, journal := fake(t)
		c := Change{Domain: "ADEX", User: row.user, Password: [516]byte{1, 2}, Hash: [16]byte{3, 4}}
		if err := p.Change(t.Context(), c); outcome(err) != row.want {
			t.Errorf("%q: got %s (%v), want %s", row.user, outcome(err), err, row.want)
		}
		told := journal()
		// One that was lost is not tried again: it may have been done.
		if n := strings.Count(told, "started"); n != 1 {
			t.Errorf("%q: %d helpers were asked, want one", row.user, n)
		}
		for _, want := range []string{
			"NT-Domain:: QURFWA==\nUsername:: ", fmt.Sprintf("new-nt-password-blob: 0102%s\n", strings.Repeat("00", 514)),
			"old-nt-hash-blob: 0304" + strings.Repeat("00", 14) + "\n.\n",
		} {
			if !strings.Contains(told, want) {
				t.Errorf("%q: was told %q, want %q in it", row.user, told, want)
			}
		}
	}
}
