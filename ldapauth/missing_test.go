package ldapauth

import (
	"slices"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

func TestGroupsThatTheDirectoryDoesNotHaveAreFound(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	misspelt, elsewhere := peer.GroupDN("vnp"), "cn=vpn,dc=nowhere"
	got, err := d.Missing(t.Context(), []string{peer.GroupDN("vpn"), misspelt, elsewhere})
	if want := []string{misspelt, elsewhere}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	s.Stop()
	if got, err := d.Missing(t.Context(), []string{misspelt}); err == nil {
		t.Errorf("of a directory that is down: got %q, want an error", got)
	}
}
