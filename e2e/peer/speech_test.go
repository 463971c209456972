package peer

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/portvakt/portvakt/factors/voice/prompts"
)

// TestAnotherMessageIsNotTheMessage, whatever the line did to the right one.
func TestAnotherMessageIsNotTheMessage(t *testing.T) {
	t.Parallel()
	set, err := prompts.Open(prompts.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	message := set.Approve("nb", prompts.Details{}).Audio
	pause := make([]int16, 12345)
	changed := func(change func(at int, sample int16) int16) []int16 {
		sound := slices.Concat(pause, message)
		for i, s := range sound {
			sound[i] = change(i, s)
		}
		return sound
	}
	noise := rand.New(rand.NewPCG(1, 2)) // the same noise each time
	lossy := func(first int) []int16 {
		return changed(func(at int, s int16) int16 {
			if at/160%100 == first {
				return 0
			}
			return s
		})
	}
	for _, row := range []struct {
		what  string
		heard []int16
		is    bool
	}{
		{"the message", slices.Concat(pause, message), true},
		{"quieter, on a line that hisses", changed(func(_ int, s int16) int16 { return s/2 + int16(noise.NormFloat64()*20) }), true},
		{"one packet of a hundred is lost, but not the same when it is said again", slices.Concat(lossy(10), lossy(60)), true},
		{"every second packet is lost", changed(func(at int, s int16) int16 { return s * int16(at/160%2) }), false},
		{"nothing", nil, false},
		{"silence", make([]int16, 20*8000), false},
		{"a tone", changed(func(at int, _ int16) int16 { return int16(9000 * math.Sin(float64(at)/3)) }), false},
		{"half of it", message[:len(message)/2], false},
		{"its last sentence is missing", message[:len(message)*3/4], false},
		{"backwards", func() []int16 { b := slices.Clone(message); slices.Reverse(b); return b }(), false},
		{"nynorsk", set.Approve("nn", prompts.Details{}).Audio, false},
		{"Danish", set.Approve("da", prompts.Details{}).Audio, false},
		{"another request", set.Approve("nb", prompts.Details{Match: true}).Audio, false},
		{"a code", set.Code("nb", "123456").Audio, false},
	} {
		if share := spoken(message, row.heard); share >= enough != row.is {
			t.Errorf("%s: %.0f %% of the message are in it", row.what, 100*share)
		}
	}
}
