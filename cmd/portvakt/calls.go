package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/exchange"
	"github.com/portvakt/portvakt/factors/voice/prompts"
)

// calls makes the factor that calls, or takes that of the system before when
// nothing of it has changed: its calls, registrations and ports go on.
func (s *system) calls(before *system) error {
	c := s.file.Call
	if !c.Enabled() {
		return nil
	}
	if before != nil && before.voice != nil && s.callsAs(before) {
		s.voice, s.phones, s.speech = before.voice, before.phones, before.speech
		return nil
	}
	speech, err := prompts.Open(c.Speech, s.log)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	var phones []voice.Provider
	if s.dials {
		if phones, err = exchange.New(c.Provider, s.codes, s.log); err != nil {
			return fmt.Errorf("call: %w", err)
		}
	}
	key, old := s.ring.Keys("pin")
	s.voice, err = voice.New(c.Config, voice.Needs{
		Providers: phones, Caps: s.caps(caps.Call, c.Caps), Prompts: speech, Key: s.ring.Steady("call"),
		PINKeys: append([][]byte{key}, old...), Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	s.phones, s.speech = phones, speech
	return nil
}

// namesNote tells what people do not hear in calls of an exchange, and the
// command that mends it; empty when there is nothing to tell. Services speak by
// themselves.
func (s *system) namesNote() string {
	c := s.file.Call
	if s.speech == nil || !slices.ContainsFunc(c.Provider, func(p exchange.Config) bool { return p.Kind == exchange.KindSIP }) {
		return ""
	}
	var notes []string
	if c.Speech.Organisation == "" {
		notes = append(notes, "call.organisation is not set: calls do not say who calls")
	}
	var clients []string
	for _, client := range s.file.Clients {
		clients = append(clients, client.Name)
	}
	if langs := s.speech.Unspoken(clients); langs != nil {
		folder := cmp.Or(c.Speech.Folder, defaultRecordings)
		note := fmt.Sprintf("names have no recording in %s and are not said: portvakt prompts make --folder %s", strings.Join(langs, ", "), folder)
		if c.Speech.Folder == "" {
			note += fmt.Sprintf(", and write prompts = %q in [call]", folder)
		}
		notes = append(notes, note)
	}
	return strings.Join(notes, "; ")
}

// defaultRecordings is where recordings are where the documentation has them.
const defaultRecordings = "/etc/portvakt/prompts"

// callsAs reports whether everything that calls depend on is as it was.
// Recordings may have changed under the same names.
func (s *system) callsAs(before *system) bool {
	now, _ := s.ring.Keys("pin")
	was, _ := before.ring.Keys("pin")
	return reflect.DeepEqual(before.file.Call, s.file.Call) && s.file.Call.Speech.Folder == "" &&
		hmac.Equal(now, was) && hmac.Equal(s.ring.Steady("call"), before.ring.Steady("call")) &&
		hmac.Equal(s.ring.Steady(capsKey), before.ring.Steady(capsKey))
}

// listenForCalls has services tell of keys, in a system that serves; not again
// those that the system before has.
func (s *system) listenForCalls(ctx context.Context, before *system) error {
	if before != nil && before.voice == s.voice {
		return nil
	}
	var phones []voice.Provider
	if before != nil {
		phones = before.phones
	}
	for _, p := range s.phones {
		if l, ok := p.(cloud.Listener); ok {
			if err := l.Listen(ctx, phones...); err != nil {
				return fmt.Errorf("call provider %q: %w", p.Name(), err)
			}
		}
	}
	return nil
}
