package main

import (
	"testing"
	"time"
)

// RFC 6238, appendix B, of which six digits are the last of its eight.
func TestCodesOfRFC6238(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := codeAt([]byte("12345678901234567890"), stepAt(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
}

func TestNobodyLogsInTwiceInOneStep(t *testing.T) {
	p := newPopulation(3)
	for want := range 3 {
		if n, ok := p.take(7); !ok || n != want {
			t.Fatalf("got %d, %v; want %d", n, ok, want)
		}
	}
	if n, ok := p.take(7); ok {
		t.Fatalf("%d was taken twice", n)
	}
	p.spend(0, 8) // whose code was asked for when the next step had begun
	if got := p.fresh(8); got != 2 {
		t.Errorf("%d have an unused code of the next step, want 2", got)
	}
	if _, ok := p.take(8); ok {
		t.Error("somebody was taken whose code of that step is used")
	}
	if n, ok := p.take(9); !ok || n != 0 {
		t.Errorf("two steps later: got %d, %v; want 0", n, ok)
	}
}

func TestRationIsNotExceeded(t *testing.T) {
	p := newPopulation(3)
	p.ration = 2
	for step := range int64(2) {
		if _, ok := p.take(step + 1); !ok {
			t.Fatal("the ration was not given out")
		}
	}
	if _, ok := p.take(3); ok {
		t.Error("more than the ration was given out")
	}
}
