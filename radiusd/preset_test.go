package radiusd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd/preset"
)

// Each setting of each preset is a key of a client, and what it makes is valid.
func TestPresetsMakeValidClients(t *testing.T) {
	t.Parallel()
	for _, p := range preset.All() {
		c := DefaultClientConfig()
		for _, s := range p.Settings {
			if !c.set(s) {
				t.Errorf("%s: %s = %v is no setting of a client", p.Name, s.Key, s.Value)
			}
			want := fmt.Sprint(s.Value)
			switch s.Value.(type) {
			case string, time.Duration:
				want = fmt.Sprintf("%q", want)
			}
			if got := c.value(s.Key); got != want {
				t.Errorf("%s: %s is %s, want %s", p.Name, s.Key, got, want)
			}
		}
		c.Name, c.Networks, c.Secret, c.Preset = p.Name, []string{"192.0.2.1"}, secret.New("a-secret-of-the-presets-test"), p.Name
		if problems := c.problems(); len(problems) > 0 {
			t.Errorf("%s: %v", p.Name, problems)
		}
	}
}

func TestWhatTheFileSaysOverrulesThePreset(t *testing.T) {
	t.Parallel()
	c, ok := DefaultClientConfig().WithPreset(map[string]any{"preset": "meraki"}).(ClientConfig)
	if !ok || c.Challenge || c.Patience != 13*time.Second {
		t.Fatalf("the preset made %+v", c)
	}
	c.Preset, c.Patience = "meraki", 54*time.Second
	var overruled []string
	for _, v := range c.PresetValues() {
		if v.Overruled {
			overruled = append(overruled, v.Key+" = "+v.Value)
		}
	}
	if want := []string{`patience = "54s"`}; !slices.Equal(overruled, want) {
		t.Errorf("got %q, want %q", overruled, want)
	}
}

func TestAnUnknownPresetIsToldWithTheNearest(t *testing.T) {
	t.Parallel()
	c := DefaultClientConfig()
	c.Name, c.Networks, c.Secret, c.Preset = "vpn", []string{"192.0.2.1"}, secret.New("a-secret-of-the-presets-test"), "fortigat"
	problems := c.problems()
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), `did you mean "fortigate"?`) ||
		!strings.Contains(problems[0].Error(), "meraki, mikrotik") {
		t.Errorf("got %v", problems)
	}
}
