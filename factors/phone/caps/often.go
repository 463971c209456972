package caps

import (
	"sync"
	"time"
)

const (
	oftenEvery = time.Minute // how often one remark is logged
	maxRemarks = 64
)

// Often keeps one remark from filling the log. Its zero value is ready, and
// safe for concurrent use.
type Often struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// Allow reports whether the remark may be logged now.
func (o *Often) Allow(remark string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if at, ok := o.last[remark]; ok && now.Sub(at) < oftenEvery {
		return false
	}
	if o.last == nil || len(o.last) >= maxRemarks {
		o.last = make(map[string]time.Time)
	}
	o.last[remark] = now
	return true
}
