package upstream

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A story of one server: each step happens, and then the server is in use or
// not, as the step says.
type step struct {
	what string // "silent", "answers", "answers a probe", "a probe is silent", "asked", a time
	up   bool
}

func TestWhenAServerIsSetAside(t *testing.T) {
	t.Parallel()
	for name, story := range map[string][]step{
		"one that never answered a probe": {
			{"silent", true},
			{"silent", true},
			{"answers", true},
			{"silent", true},
			{"silent", true},
			{"silent", false},
			{"29s", false},
			{"not asked", false},
			{"1s", false},
			{"asked", false},
			{"not asked", false},
			{"silent", false},
			{"29s", false},
			{"not asked", false},
			{"1s", false},
			{"asked", false},
			{"answers", true},
			{"silent", true},
		},
		// Somebody may be able to make it silent about one name: only a probe
		// sets it aside.
		"one that answers probes": {
			{"answers a probe", true},
			{"silent", true},
			{"silent", true},
			{"silent", true},
			{"silent", true},
			{"a probe is silent", false},
			{"1h", false},
			{"not asked", false},
			{"a probe is silent", false},
			{"answers a probe", true},
			{"silent", true},
		},
		"one that is found to answer probes while it is set aside": {
			{"a probe is silent", true}, {"silent", true}, {"silent", true}, {"silent", false}, {"answers a probe", true}, {"silent", true}, {"silent", true}, {"silent", true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				s := newServer(DefaultServerConfig(), "portvakt", slog.New(slog.NewTextHandler(&log, nil)))
				silence := errors.New("no reply")
				told, changes := true, 0
				for i, step := range story {
					switch step.what {
					case "silent":
						s.silent(silence, s.silencesAllowed())
					case "answers":
						s.answered(false)
					case "answers a probe":
						s.answered(true)
					case "a probe is silent":
						s.unprobed(silence)
					case "asked", "not asked":
						if got := s.mayAsk(); got != (step.what == "asked") {
							t.Errorf("step %d: may it be asked? got %v, want it %s", i, got, step.what)
						}
					default:
						d, err := time.ParseDuration(step.what)
						if err != nil {
							t.Fatal(err)
						}
						time.Sleep(d)
					}
					if s.up() != step.up {
						t.Fatalf("step %d, %s: in use: %v, want %v", i, step.what, s.up(), step.up)
					}
					if step.up != told {
						told = step.up
						changes++
					}
				}
				// Each change is told once, however many sign-ins see it.
				if n := strings.Count(log.String(), "\n"); n != changes {
					t.Errorf("%d lines are logged of %d changes:\n%s", n, changes, &log)
				}
			})
		})
	}
}
