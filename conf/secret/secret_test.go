package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const mark = "mark-of-a-secret"

// A holder has secrets as configurations and what is made of them have.
type holder struct {
	Shown  Value
	hidden Value
	list   []Value
	inner  struct{ value Value }
}

// TestS30NoWayToPrintShowsASecret: neither by itself nor in what has it, and with
// verbs that are meant for something else.
func TestS30NoWayToPrintShowsASecret(t *testing.T) {
	t.Parallel()
	v := New(mark)
	h := holder{Shown: v, hidden: v, list: []Value{v}}
	h.inner.value = v
	printed := map[string]string{"String": v.String(), "error": fmt.Errorf("dial with %v: %w", v, errors.New("refused")).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%T %v"} {
		for what, of := range map[string]any{"value": v, "pointer": &v, "holder": h, "pointer to a holder": &h} {
			args := []any{of}
			if verb == "%T %v" {
				args = append(args, of)
			}
			printed[verb+" of a "+what] = fmt.Sprintf(verb, args...)
		}
	}
	var b bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		log := slog.New(handler)
		log.Info("m", slog.Any("value", v), slog.Any("holder", h), slog.Any("pointer", &h))
	}
	printed["slog"] = b.String()
	for _, of := range []any{v, h, map[string]Value{"a": v}} {
		j, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		printed[fmt.Sprintf("JSON of %T", of)] = string(j)
	}
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	printed["text"] = string(text)
	for how, got := range printed {
		// As octets too: %x, and a list of numbers.
		for _, form := range []string{mark, fmt.Sprintf("%x", mark), fmt.Sprintf("%X", mark), fmt.Sprintf("%d", []byte(mark))} {
			if strings.Contains(got, form) {
				t.Errorf("%s: %s", how, got)
			}
		}
	}
	if got := fmt.Sprintf("%v|%d", v, v); got != "[redacted]|[redacted]" {
		t.Errorf("got %s", got)
	}
}

func TestValuesAreEqualByTheirTexts(t *testing.T) {
	t.Parallel()
	var unset Value
	if !New(mark).Equal(New(mark)) || New(mark).Equal(New("another")) || New(mark).Equal(unset) || !unset.Equal(New("")) {
		t.Error("not equal by their texts")
	}
	if !unset.IsZero() || !New("").IsZero() || New(mark).IsZero() || New(mark).Reveal() != mark || unset.Reveal() != "" {
		t.Error("not what was put in")
	}
}
