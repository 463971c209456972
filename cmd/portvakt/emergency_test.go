package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
)

// The daemon tells when emergency mode begins and ends, whoever switched it, and
// each hour that it is still on.
func TestTheLogTellsOfEmergencies(t *testing.T) {
	var b bytes.Buffer
	w := emergencyWatch{log: slog.New(slog.NewTextHandler(&b, nil)), told: map[string]toldEmergency{}}
	began := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	vpn := login.Emergency{Client: "vpn", Since: began, Until: began.Add(3 * time.Hour), Why: "no exchange", By: "root"}
	again := vpn
	again.Since = began.Add(90 * time.Minute)
	for i, step := range []struct {
		all  []login.Emergency
		err  error
		at   time.Duration
		want string
	}{
		{nil, nil, 0, ""},
		{[]login.Emergency{vpn}, nil, 5 * time.Second, `level=WARN msg="emergency mode" status=on emergency="client vpn" by=root detail="until 2027-01-01T15:00:00Z: no exchange"`},
		{[]login.Emergency{vpn}, nil, 10 * time.Second, ""},
		{[]login.Emergency{vpn}, nil, time.Hour + 10*time.Second, `status="still on"`},
		{nil, errors.New("cannot be read"), 80 * time.Minute, `level=ERROR msg="emergency mode not read" err="cannot be read"`},
		{nil, errors.New("cannot be read"), 81 * time.Minute, ""},
		{[]login.Emergency{again}, nil, 91 * time.Minute, "status=on"},
		{nil, nil, 3 * time.Hour, "status=off"},
		{nil, nil, 4 * time.Hour, ""},
	} {
		b.Reset()
		w.look(t.Context(), step.all, step.err, began.Add(step.at))
		if got := b.String(); (got == "") != (step.want == "") || !strings.Contains(got, step.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
}
