package sms

import (
	"sync"
	"time"
)

const (
	// oftenEvery is how often one remark is logged: caps are reached by
	// crowds.
	oftenEvery = time.Minute
	maxRemarks = 64
)

// often keeps one remark from filling the log.
type often struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newOften() *often { return &often{last: make(map[string]time.Time)} }

// allow reports whether the remark may be logged now.
func (o *often) allow(remark string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if at, ok := o.last[remark]; ok && now.Sub(at) < oftenEvery {
		return false
	}
	if len(o.last) >= maxRemarks {
		clear(o.last)
	}
	o.last[remark] = now
	return true
}
