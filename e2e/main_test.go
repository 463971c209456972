package e2e_test

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/server"
)

func TestMain(m *testing.M) { server.Main(m) }
