package mem_test

import (
	"testing"

	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.KV { return mem.New() })
}
