package login

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, on any machine
)

func TestHoursAreThoseOfTheWall(t *testing.T) {
	for _, c := range []struct {
		name, hours, zone, at string // at has its offset
		want                  bool
	}{
		{"within", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-01-11T07:00:00+01:00", true},
		{"the last minute", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-01-11T17:59:59+01:00", true},
		{"the end is no part of it", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-01-11T18:00:00+01:00", false},
		{"another day", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-01-10T12:00:00+01:00", false},
		{"the same moment said elsewhere", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-01-11T06:00:00Z", true},
		{"another zone", "mon-fri 07:00-18:00", "America/New_York", "2027-01-11T07:00:00+01:00", false},
		{"without days every day", "09:00-10:00", "UTC", "2027-01-10T09:30:00Z", true},
		{"a second part", "mon 09:00-10:00, sun 09:00-10:00", "UTC", "2027-01-10T09:30:00Z", true},
		{"days over the end of the week", "fri-mon 09:00-10:00", "UTC", "2027-01-10T09:30:00Z", true},
		{"and not those between", "fri-mon 09:00-10:00", "UTC", "2027-01-13T09:30:00Z", false},
		{"over midnight, before it", "fri 22:00-06:00", "UTC", "2027-01-15T23:00:00Z", true},
		{"over midnight, behind it", "fri 22:00-06:00", "UTC", "2027-01-16T05:59:00Z", true},
		{"over midnight, the morning of its day", "fri 22:00-06:00", "UTC", "2027-01-15T05:00:00Z", false},
		{"over midnight from Saturday to Sunday", "sat 22:00-06:00", "UTC", "2027-01-17T01:00:00Z", true},
		{"midnight begins the day", "sun 00:00-24:00", "UTC", "2027-01-17T00:00:00Z", true},
		{"and ends it", "sun 00:00-24:00", "UTC", "2027-01-18T00:00:00Z", false},
		{"summer time: an hour that comes twice, first", "02:00-03:00", "Europe/Oslo", "2027-10-31T02:30:00+02:00", true},
		{"summer time: an hour that comes twice, again", "02:00-03:00", "Europe/Oslo", "2027-10-31T02:30:00+01:00", true},
		{"summer time: behind the hour that comes twice", "02:00-03:00", "Europe/Oslo", "2027-10-31T03:00:00+01:00", false},
		{"summer time: a second before an hour that never comes", "02:00-03:00", "Europe/Oslo", "2027-03-28T01:59:59+01:00", false},
		{"summer time: a second later", "02:00-03:00", "Europe/Oslo", "2027-03-28T03:00:00+02:00", false},
		{"summer time: a span over it", "01:00-04:00", "Europe/Oslo", "2027-03-28T03:30:00+02:00", true},
		{"summer time does not move the office", "mon-fri 07:00-18:00", "Europe/Oslo", "2027-07-12T05:30:00Z", true},
	} {
		p, err := NewPolicy([]RuleConfig{{Name: "office", Hours: c.hours, Zone: c.zone, SecondFactor: SecondDeny}})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.For(Account{}, Via{}, at).Rule == "office"; got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHoursThatAreNotUnderstood(t *testing.T) {
	for _, hours := range []string{
		"mon", "7-18", "07:00", "07:00-07:00", "24:00-07:00", "07:00-24:01", "07:60-18:00", "monday 07:00-18:00", "mon-fri 07:00-18:00,",
		"mon fri 07:00-18:00", "mon-xxx 07:00-18:00", "-mon 07:00-18:00", "mon-fri 07:00 - 18:00", "０７:00-18:00",
	} {
		if got, err := parseHours(hours); err == nil {
			t.Errorf("%q: got %v", hours, got)
		}
	}
	for _, zone := range []string{"", "Local", "local", "Mars/Olympus", "../../etc/passwd"} {
		if _, err := loadZone(zone); err == nil {
			t.Errorf("zone %q is taken", zone)
		}
	}
}

func FuzzHours(f *testing.F) {
	for _, seed := range []string{"mon-fri 07:00-18:00, sat 09:00-13:00", "22:00-06:00", "fri-mon 00:00-24:00", "", ",", "mon"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spans, err := parseHours(text)
		if err != nil {
			return
		}
		// Whatever is taken is for some time of the week.
		minutes := 0
		for at := range 7 * 24 * 60 {
			for _, s := range spans {
				if s.holds(noon.Add(time.Duration(at) * time.Minute)) {
					minutes++
					break
				}
			}
		}
		if minutes == 0 || len(spans) > maxSpans {
			t.Errorf("%q: %d minutes of the week in %d spans", text, minutes, len(spans))
		}
	})
}
