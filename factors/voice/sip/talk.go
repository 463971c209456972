package sip

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/media"
	"github.com/portvakt/portvakt/login"
)

const (
	// between is the pause before the prompt is said again.
	between = 2 * time.Second
	// told is how often a message that asks nothing is said.
	told = 2
	// longestEnding bounds what is said after the answer.
	longestEnding = 8 * time.Second
)

// errNoSound is a call in which nothing came from the far side.
var errNoSound = errors.New("no sound came: look at the address that the exchange sends RTP to, and at firewalls")

// A talk is the answered part of a call.
type talk struct {
	call  *call
	sound *media.Session
	c     *voice.Call
	info  bool // whether keys come as messages; the first key tells
	keyed bool // whether any has come
}

// hold says the prompt and takes keys until the call is decided or over. The
// caller hangs up.
func (t *talk) hold(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.c.Talk, errTalked)
	defer cancel()
	t.sound.Start()
	if t.c.To.Extension() != "" {
		if err := t.dial(ctx); err != nil {
			return err
		}
	}
	t.drain()
	select {
	case <-t.call.gone:
		return &voice.Failure{Why: voice.WhyNoKey, Rang: true} // nothing was asked yet
	default:
	}
	said := 0
	playing := t.sound.Play(t.c.Prompt.Audio)
	pause := time.NewTimer(0)
	pause.Stop()
	defer pause.Stop()
	for {
		select {
		case key, ok := <-t.sound.Keys():
			if !ok {
				return t.stopped(ctx)
			}
			decided, answer := t.key(key.Digit, key.Source, false)
			if decided {
				return t.end(ctx, answer)
			}
			if key.Digit == '#' {
				playing = t.wrong(pause, playing)
			}
		case key := <-t.call.keys:
			decided, answer := t.key(key, "info", true)
			if decided {
				return t.end(ctx, answer)
			}
			if key == '#' {
				playing = t.wrong(pause, playing)
			}
		case <-playing:
			playing = nil
			if said++; t.c.Keys == nil && said == told {
				return nil
			}
			pause.Reset(between)
		case <-pause.C:
			playing = t.sound.Play(t.c.Prompt.Audio)
		case <-t.call.gone:
			// Hanging up on the question is a no.
			return login.ErrDenied
		case <-ctx.Done():
			return t.stopped(ctx)
		}
	}
}

// errTalked is the cause when the call has lasted as long as it may.
var errTalked = errors.New("the call has lasted as long as it may")

// dial keys the extension, behind its pauses and with a second for the far end
// to listen after it.
func (t *talk) dial(ctx context.Context) error {
	sent := t.sound.Send(strings.Repeat(",", t.c.To.Pauses()) + t.c.To.Extension() + ",")
	select {
	case <-sent:
		return nil
	case <-t.call.gone:
		return &voice.Failure{Why: voice.WhyNoKey, Rang: true}
	case <-ctx.Done():
		return t.stopped(ctx)
	}
}

// drain throws away what was pressed before the prompt: tones of devices, not
// an answer to it.
func (t *talk) drain() {
	for {
		select {
		case _, ok := <-t.sound.Keys():
			if !ok {
				return
			}
		case <-t.call.keys:
		default:
			return
		}
	}
}

// key hands on a key. Exchanges that send each key twice, as sound and as a
// message, must not answer twice: the way of the first key counts.
func (t *talk) key(key byte, source string, info bool) (decided bool, answer error) {
	if !t.keyed {
		t.info, t.keyed = info, true
	}
	if t.c.Keys == nil || info != t.info {
		return false, nil
	}
	t.c.Trace.Keys = source
	return t.c.Keys(key)
}

// wrong says that the digits were wrong, in place of what is said now; the
// prompt follows.
func (t *talk) wrong(pause *time.Timer, playing <-chan struct{}) <-chan struct{} {
	if t.c.Keys == nil || len(t.c.Again.Audio) == 0 {
		return playing
	}
	pause.Stop()
	return t.sound.Play(t.c.Again.Audio)
}

// end says what is to be said after the answer.
func (t *talk) end(ctx context.Context, answer error) error {
	if t.c.Ending == nil {
		return answer
	}
	last := t.c.Ending(answer)
	if len(last.Audio) == 0 {
		return answer
	}
	said := t.sound.Play(last.Audio)
	most := time.NewTimer(longestEnding)
	defer most.Stop()
	select {
	case <-said:
	case <-t.call.gone:
	case <-most.C:
	case <-ctx.Done():
	}
	return answer
}

// stopped is why a call without an answer is over.
func (t *talk) stopped(ctx context.Context) error {
	switch {
	case context.Cause(ctx) != errTalked: //nolint:errorlint // the cause is ours or not
		return &voice.Failure{Why: voice.WhyStopped, Rang: true, Err: context.Cause(ctx)}
	case !t.sound.Heard():
		return &voice.Failure{Why: voice.WhyMedia, Rang: true, Err: errNoSound}
	default:
		return &voice.Failure{Why: voice.WhyNoKey, Rang: true}
	}
}
