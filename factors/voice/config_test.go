package voice_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
)

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*voice.Config)
		want   string
	}{
		{"the default", func(*voice.Config) {}, ""},
		{"the longest call", func(c *voice.Config) { c.Queue, c.Ring, c.Talk = 5*time.Second, time.Minute, 50*time.Second }, ""},
		{"a call that is given up before its end", func(c *voice.Config) { c.Queue, c.Ring, c.Talk = time.Minute, time.Minute, 50*time.Second }, "queue: "},
		{"a ring nobody hears", func(c *voice.Config) { c.Ring = time.Second }, "ring: "},
		{"a call without end", func(c *voice.Config) { c.Talk = time.Hour }, "talk: "},
		{"no line", func(c *voice.Config) { c.MaxCalls = 0 }, "max_calls: "},
		{"a lock before the report", func(c *voice.Config) { c.FraudLock = -time.Second }, "fraud_lock: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := voice.DefaultConfig()
			cfg.Numbers.Countries = []string{"NO"}
			c.change(&cfg)
			err := cfg.Validate()
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
