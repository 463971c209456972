package book

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

func book(t testing.TB, use Use, blocked ...string) *Book {
	t.Helper()
	cfg := Config{Countries: []string{"NO", "SE"}, BlockedPrefixes: blocked}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	b, err := New(cfg, use)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// person has an enrolled number, when there is one, and numbers in the
// directory.
func person(t testing.TB, enrolled string, phones ...string) login.User {
	t.Helper()
	u := login.User{Account: login.Account{Phones: phones}}
	if enrolled != "" {
		data, err := json.Marshal(Phone{Number: enrolled, Verified: true})
		if err != nil {
			t.Fatal(err)
		}
		u.Enrollment.Credentials = []login.Credential{{Kind: CredentialKind, Data: data}}
	}
	return u
}

// What is not used is told, masked, with what keeps it from being used.
func TestWhyNumbersAreNotUsed(t *testing.T) {
	t.Parallel()
	const allowed, abroad, line, blocked = "912 34 567", "+33612345678", "22 85 50 50", "41 29 99 99"
	messages := book(t, Messages, "+47412").Telephones("sms", []byte("a key of sixteen"), nil)
	for _, row := range []struct {
		phones []string
		want   []string
	}{
		{nil, []string{"the directory has no telephone number"}},
		{[]string{allowed}, nil},
		{[]string{abroad, allowed, line}, []string{"not for sms: +33•••••••78 is in a country (FR) that sms.countries", "not for sms: +47••••••50 is no mobile number"}},
		{[]string{blocked}, []string{"not for sms: +47••••••99 begins with +47412 of sms.blocked_prefixes"}},
		{[]string{line, line, line, line, line}, slices.Repeat([]string{"not for sms: +47••••••50"}, maxNumbers)},
	} {
		got := messages.Excluded(person(t, "", row.phones...))
		if !slices.EqualFunc(got, row.want, strings.HasPrefix) {
			t.Errorf("%q: got %q, want %q", row.phones, got, row.want)
		}
		for _, raw := range row.phones {
			if strings.Contains(strings.Join(got, "\n"), strings.ReplaceAll(raw, " ", "")) {
				t.Errorf("%q tells the whole number", got)
			}
		}
	}
}

func TestWhichNumbersAreUsed(t *testing.T) {
	t.Parallel()
	messages, calls := book(t, Messages, "+47412", "+4681"), book(t, Calls, "+47412", "+4681")
	for _, row := range []struct {
		rule            string
		u               login.User
		messages, calls string
	}{
		{"a mobile number gets both", person(t, "", "912 34 567"), "+4791234567", "+4791234567"},
		{"a land line is called", person(t, "", "22 85 50 50"), "", "+4722855050"},
		{"with its extension", person(t, "", "22 85 50 50 ext. 77"), "", "+4722855050;77"},
		{"two extensions are two telephones", person(t, "", "22855050;ext=77", "22855050;ext=78"), "", "+4722855050;77 +4722855050;78"},
		{"a message has no use for an extension", person(t, "+4791234567", "91234567;ext=1"), "+4791234567", "+4791234567 +4791234567;1"},
		{"the enrolled number comes first", person(t, "+4791234568", "91234567"), "+4791234568 +4791234567", "+4791234568 +4791234567"},
		{"a blocked prefix gets nothing", person(t, "+4741234567", "41 29 99 99", "+46 8 123 456 78"), "", ""},
		{"a country that is not allowed neither", person(t, "+4532123456"), "", ""},
		{"nor a premium number", person(t, "+4782000000", "829 12 345"), "", ""},
	} {
		for range 2 { // the second time from what was kept
			for use, want := range map[*Book]string{messages: row.messages, calls: row.calls} {
				var got []string
				for _, n := range use.Of(row.u) {
					number := n.E164()
					if n.Extension() != "" {
						number += ";" + n.Extension()
					}
					got = append(got, number)
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%s: got %q, want %q", row.rule, got, want)
				}
			}
		}
	}
}

func TestManyTextsAreNotReadForever(t *testing.T) {
	t.Parallel()
	b := book(t, Messages)
	u := person(t, "", append(make([]string, 1000), "41234567")...)
	for i := range 1000 {
		u.Account.Phones[i] = fmt.Sprint("no number ", i)
	}
	if got := len(b.Of(u)); got != 0 {
		t.Errorf("%d numbers", got)
	}
	for i := range maxCached * 2 {
		b.recall(string(rune('一' + i)))
	}
	if got := len(b.kept); got > maxCached {
		t.Errorf("%d texts are kept, want at most %d", got, maxCached)
	}
}

func TestEnrolledNumbersAreThoseThatAreUsed(t *testing.T) {
	t.Parallel()
	messages, calls := book(t, Messages, "+47412"), book(t, Calls, "+47412")
	for _, row := range []struct {
		rule    string
		b       *Book
		raw     string
		problem string
	}{
		{"a mobile number", messages, "912 34 567", ""},
		{"a land line for calls", calls, "22 85 50 50 x77", ""},
		{"a land line for messages", messages, "22 85 50 50", "gets no text messages"},
		{"one that wants two seconds before its extension", calls, "22 85 50 50,,77", ""},
		{"a blocked prefix", calls, "412 34 567", "+47••••••67 begins with +47412 of call.blocked_prefixes"},
		{"another country", messages, "+45 32 12 34 56", "(DK) that sms.countries does not list"},
		{"no number", calls, "none", "no telephone number"},
	} {
		c, n, err := row.b.NewCredential(row.raw, "label")
		switch {
		case row.problem == "" && err == nil:
			if back, err := Number(c); err != nil || back != n {
				t.Errorf("%s: read back %v, %v", row.rule, back, err)
			}
			if got := row.b.Of(login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{c}}}); len(got) != 1 || got[0] != n {
				t.Errorf("%s: used as %v", row.rule, got)
			}
		case row.problem == "" || err == nil || !strings.Contains(err.Error(), row.problem):
			t.Errorf("%s: got %v, want %q", row.rule, err, row.problem)
		}
	}
	if _, err := Number(login.Credential{Kind: "totp"}); err == nil {
		t.Error("a token has a number")
	}
}

// A range that earns by messages earns by calls: what one section blocks, both
// do without.
func TestABlockedPrefixOfEitherSectionBlocksBoth(t *testing.T) {
	t.Parallel()
	for use, own := range map[Use]string{Messages: "sms", Calls: "call"} {
		b, err := New(Config{Countries: []string{"NO"}, BlockedPrefixes: []string{"+47412"}, BlockedElsewhere: []string{"+47413"}}, use)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := map[string]string{"sms": "call", "call": "sms"}[own]
		for raw, want := range map[string]string{
			"412 34 567": "begins with +47412 of " + own + ".blocked_prefixes",
			"413 34 567": "begins with +47413 of " + elsewhere + ".blocked_prefixes",
			"414 34 567": "",
		} {
			u := person(t, "", raw)
			_, _, err := b.NewCredential(raw, "")
			if want == "" {
				if err != nil || len(b.Of(u)) != 1 || len(b.Unconfirmed(u)) != 1 {
					t.Errorf("%s: %s is not used: %v", own, raw, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: got %v, want %q", own, raw, err, want)
			}
			if len(b.Of(u))+len(b.Unconfirmed(u))+len(b.Of(person(t, raw))) != 0 {
				t.Errorf("%s: %s is used", own, raw)
			}
		}
	}
}

func TestEachProblemIsTold(t *testing.T) {
	t.Parallel()
	err := Config{Countries: []string{"no"}, Region: "Norway", BlockedPrefixes: []string{"+47", "820"}}.Validate()
	for _, want := range []string{`countries[0]: "no"`, `region: "Norway"`, `blocked_prefixes[1]: "820"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the problems: %v", want, err)
		}
	}
	for want, cfg := range map[string]Config{
		"call.blocked_prefixes": {BlockedPrefixes: []string{"820"}},
		"sms.blocked_prefixes":  {BlockedElsewhere: []string{"820"}},
	} {
		if _, err := New(cfg, Calls); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a book of an invalid configuration: %v, want %s", err, want)
		}
	}
}

// Somebody who may write numbers, of himself or of a thousand people, does not
// get to those that earn: neither into an enrollment nor to a message or call.
func TestS07NumbersThatEarnAreNeverUsed(t *testing.T) {
	t.Parallel()
	for _, use := range []Use{Messages, Calls} {
		b := book(t, use, "+4741")
		formats := []string{
			"+47 829 %05d",         // premium
			"+47 810 %05d",         // shared cost
			"+47 41 %06d",          // a blocked prefix
			"+371 2%07d",           // a country that is not allowed
			"+882 16 5550 %04d",    // satellite
			"+1 900 555 %04d",      // premium elsewhere
			"829 %05d (my mobile)", // written without the country
		}
		for i := range 1000 {
			raw := fmt.Sprintf(formats[i%len(formats)], i)
			if _, _, err := b.NewCredential(raw, ""); err == nil {
				t.Fatalf("%s can be enrolled", raw)
			}
			if got := b.Of(person(t, raw, raw)); len(got) != 0 {
				t.Fatalf("%s is used", raw)
			}
		}
	}
}
