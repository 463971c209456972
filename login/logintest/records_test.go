package logintest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

func TestSwapNeedsTheRevisionThatWasRead(t *testing.T) {
	var r Records
	ctx := t.Context()
	if _, err := r.Get(ctx, "k"); !errors.Is(err, login.ErrNotFound) {
		t.Fatalf("Get of nothing: got %v, want ErrNotFound", err)
	}
	if err := r.Swap(ctx, "k", 0, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(ctx, "k", 0, []byte("two")); !errors.Is(err, login.ErrConflict) {
		t.Errorf("second creation: got %v, want ErrConflict", err)
	}
	v, err := r.Get(ctx, "k")
	if err != nil || string(v.Data) != "one" || v.Rev == 0 {
		t.Fatalf("Get: got %q, revision %d, %v", v.Data, v.Rev, err)
	}
	if err := r.Swap(ctx, "k", v.Rev, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(ctx, "k"); !errors.Is(err, login.ErrNotFound) {
		t.Errorf("Get of what was deleted: got %v, want ErrNotFound", err)
	}
	if err := r.Swap(ctx, "k", v.Rev, []byte("old")); !errors.Is(err, login.ErrConflict) {
		t.Errorf("Swap with the revision of the deleted: got %v, want ErrConflict", err)
	}
}

func TestRecordsFailAsTheTestWants(t *testing.T) {
	ctx, fault := t.Context(), errors.New("fault")
	r := Records{Fail: fault}
	if _, err := r.Get(ctx, "k"); !errors.Is(err, fault) {
		t.Errorf("Get with Fail: got %v", err)
	}
	r = Records{FailSwap: fault}
	if err := r.Swap(ctx, "k", 0, []byte("x")); !errors.Is(err, fault) {
		t.Errorf("Swap with FailSwap: got %v", err)
	}
	if _, err := r.Get(ctx, "k"); !errors.Is(err, login.ErrNotFound) {
		t.Errorf("FailSwap wrote: Get gives %v", err)
	}
	r = Records{LoseReply: fault}
	if err := r.Swap(ctx, "k", 0, []byte("x")); !errors.Is(err, fault) {
		t.Errorf("Swap with LoseReply: got %v", err)
	}
	if v, err := r.Get(ctx, "k"); err != nil || string(v.Data) != "x" {
		t.Errorf("LoseReply did not write: %q, %v", v.Data, err)
	}
}

func TestDelayEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Records{Delay: time.Minute}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := r.Get(ctx, "k")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v, want the deadline after 1s", err, time.Since(begin))
		}
	})
}
