package fault_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/fault"
)

func TestAFaultIsToldWithoutItsValue(t *testing.T) {
	var none []int
	for _, c := range []struct {
		name, told string
		fn         func()
		err        error
	}{
		{"no fault", "", func() {}, nil},
		{"one of the runtime", "index out of range", func() { _ = none[len(none)] }, fault.ErrPanic},
		{"one with a value", "panic with a string", func() { panic("code 123456") }, fault.ErrPanic},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := fault.Guard(slog.New(slog.NewTextHandler(&out, nil)), c.fn); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			said := out.String()
			if strings.Contains(said, "123456") || !strings.Contains(said, c.told) || strings.Contains(said, "fault_test.go") != (c.err != nil) {
				t.Errorf("logged %s", said)
			}
		})
	}
}
