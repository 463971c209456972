package fault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/portvakt/portvakt/login"
)

// ErrPanic is what Guard returns of a panic.
var ErrPanic = errors.New("a fault of the program ended it")

// Guard runs fn. A panic in it is logged with its stack and returned as
// [ErrPanic]; its value is left out unless the runtime made it: it might hold a
// code or a number.
func Guard(log *slog.Logger, fn func()) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		what := fmt.Sprintf("panic with a %T", v)
		if r, ok := v.(runtime.Error); ok {
			what = r.Error()
		}
		log.LogAttrs(context.Background(), slog.LevelError, "fault of the program",
			slog.String(login.KeyErr, what), slog.String(login.KeyStack, string(debug.Stack())))
		err = ErrPanic
	}()
	fn()
	return nil
}
