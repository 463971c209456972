package login

import "testing"

func TestStationsAreMatched(t *testing.T) {
	for _, c := range []struct {
		pattern, station string
		want             bool
	}{
		{"203.0.113.7", "203.0.113.7", true},
		{"203.0.113.7", "203.0.113.70", false},
		{"203.0.113.*", "203.0.113.70", true},
		{"203.0.113.*", "203.0.11.3", false},
		{"LAPTOP-7", "laptop-7", true},
		{"02-00-5E-10-00-01", "02:00:5e:10:00:01", true},
		{"0200.5e10.0001", "02-00-5E-10-00-01", true},
		{"02005e100001", "0200.5E10.0001", true},
		{"02-00-5e-10-00-01", "02-00-5e-10-00-02", false},
		{"02-00-5e-*", "02:00:5E:10:00:01", true},
		{"02-00-5e*", "0200.5e10.0001", true},
		{"02:00:5f:*", "0200.5e10.0001", false},
		{"0200.5e1*", "02:00:5e:10:00:01", true},
		{"02-00-5e-10-00-01", "02-00-5e-10-00-01-07", false},
		{"004712*", "00471234567890", true},
		{"2001:db8:*", "2001:DB8::1", true},
		{"10.9.*", "10.9.1.1", true},
		{"10.9.*", "10-9a-bc-de-f0-12", false},
	} {
		p, err := parseStation(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := newStationID(c.station).matches(p); got != c.want {
			t.Errorf("%q and %q: got %v, want %v", c.pattern, c.station, got, c.want)
		}
	}
	for _, pattern := range []string{"", "*", "a*b", "*a", "a**"} {
		if _, err := parseStation(pattern); err == nil {
			t.Errorf("%q is taken", pattern)
		}
	}
}

func FuzzStations(f *testing.F) {
	for _, seed := range []string{"02-00-5E-10-00-01", "0200.5e1*", "203.0.113.*", "02005e100001", "-", ":", "é*"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, pattern, station string) {
		p, err := parseStation(pattern)
		if err != nil {
			return
		}
		_ = newStationID(station).matches(p)
		if !p.prefix && !newStationID(pattern).matches(p) {
			t.Errorf("%q does not match itself", pattern)
		}
	})
}
