package main

import (
	"io"
	"log/slog"

	"github.com/portvakt/portvakt/conf"
)

func newLogger(w io.Writer, l conf.Log) (*slog.Logger, func()) {
	return slog.New(slog.NewJSONHandler(w, nil)), func() {}
}
