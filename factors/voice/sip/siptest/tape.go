package siptest

import (
	"math"
	"slices"
	"sync"
	"time"
)

const (
	rate     = 8000          // samples a second
	maxHeard = 2 * 60 * rate // samples that are kept
)

// Silence is the level below which nothing is said.
const Silence = -60

// A tape keeps what is heard.
type tape struct {
	mu      sync.Mutex
	pcm     []int16
	samples int     // all, also those that are not kept
	second  float64 // the squares of the second that is being heard
	part    int     // samples of it
	tell    func(sound time.Duration, level float64)
}

// take keeps the sound of a packet.
func (t *tape) take(pcm []int16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pcm = append(t.pcm, pcm[:min(len(pcm), maxHeard-len(t.pcm))]...)
	for _, x := range pcm {
		t.second += float64(x) * float64(x)
	}
	t.samples += len(pcm)
	if t.part += len(pcm); t.part < rate {
		return
	}
	level := 10 * math.Log10(t.second/float64(t.part)/(1<<30))
	t.second, t.part = 0, 0
	t.tell(time.Duration(t.samples)*time.Second/rate, max(level, -100))
}

func (t *tape) copy() []int16 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.pcm)
}
