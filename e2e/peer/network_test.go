package peer_test

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// What is skipped in a network of its own was not tested.
func TestASkipInItsOwnNetworkIsASkip(t *testing.T) {
	skipped := false
	t.Run("inner", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		if peer.OwnNetwork(t) {
			t.Skip("something is missing")
		}
	})
	if !skipped {
		t.Error("it passed")
	}
}
