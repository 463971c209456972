package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// The population is computed, not stored: any number of people costs nothing
// here, and a server is provisioned with the same ones.
const (
	maxPeople = 300000
	codeStep  = 30 * time.Second // RFC 6238, section 5.2
	seedKey   = "bench"
)

func nameOf(n int) string     { return fmt.Sprintf("user%06d", n) }
func passwordOf(n int) string { return fmt.Sprintf("pw-%06d", n) }

// secretOf is the TOTP secret of a name, 20 octets.
func secretOf(name string) []byte {
	mac := hmac.New(sha1.New, []byte(seedKey))
	mac.Write([]byte(name))
	return mac.Sum(nil)
}

// base32Of writes a secret as authenticator apps and CSV files have it.
func base32Of(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// stepAt is the time step of a code (RFC 6238, section 4.2).
func stepAt(t time.Time) int64 { return t.Unix() / int64(codeStep/time.Second) }

// codeAt is the code of six digits for a step (RFC 4226, section 5.3).
func codeAt(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1000000)
}

// usedEarly is whether the code of a step may be used before its time, when it
// is also that of a step close by: a server takes a code for the latest step that
// has it, and then no code of an earlier one counts. Its window reaches one step
// ahead, or two when it changes meanwhile. One code in some hundred thousand is
// such a one.
func usedEarly(secret []byte, step int64) bool {
	this, next := codeAt(secret, step), codeAt(secret, step+1)
	for _, before := range [...]string{codeAt(secret, step-2), codeAt(secret, step-1)} {
		if before == this || before == next {
			return true
		}
	}
	return false
}

// A population hands out people in turn. A server that refuses a code used
// before lets each of them in once a step, so it hands nobody out twice in one.
type population struct {
	mu   sync.Mutex
	next int
	sum  int     // handed out in all
	used []int64 // the step of each one's last code
	// again is whether a code may be used again: the server does not mind.
	again bool
	first int // the number of the first one
	// ration is how many may still be taken; 0 is any number, -1 none.
	ration int
}

func newPopulation(size int) *population { return &population{used: make([]int64, size)} }

// nobody is a population of one whom no server knows.
func nobody() *population { return &population{used: make([]int64, 1), first: maxPeople} }

// take returns somebody who has not used the code of the step, or false when
// all have.
func (p *population) take(step int64) (n int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = p.next
	if p.ration < 0 || p.used[n] >= step && !p.again {
		return 0, false
	}
	if p.ration == 1 {
		p.ration = -1
	} else if p.ration > 1 {
		p.ration--
	}
	p.used[n] = step
	p.next = (n + 1) % len(p.used)
	p.sum++
	return p.first + n, true
}

// spend notes that somebody taken in one step used the code of a later one.
func (p *population) spend(n int, step int64) {
	p.mu.Lock()
	p.used[n-p.first] = max(p.used[n-p.first], step)
	p.mu.Unlock()
}

// fresh is how many could be taken in the step.
func (p *population) fresh(step int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := 0
	for _, s := range p.used {
		if s < step || p.again {
			count++
		}
	}
	return count
}
