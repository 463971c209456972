package text

import (
	"strings"
	"testing"
)

// marks are the values that show where a placeholder is.
var marks = map[string]any{
	"Hint": "<Hint>", "Ask": "<Ask>", "Choices": "<Choices>", "Number": "<Number>", "What": "<What>", "Date": "<Date>",
	"Code": "<Code>", "Service": "<Service>", "Minutes": "<Minutes>", "Match": "<Match>", "Days": "<Days>", "Secret": "<Secret>",
	"Count": "<Count>",
}

func TestEveryLanguageHasTheSamePlaceholders(t *testing.T) {
	texts := shippedTexts(t)
	for _, key := range Keys() {
		english, err := texts.render("en", key, marks)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range texts.Languages() {
			got, err := texts.render(lang, key, marks)
			if err != nil {
				t.Fatal(err)
			}
			for name, mark := range marks {
				if in, want := strings.Count(got, mark.(string)), strings.Count(english, mark.(string)); in != want {
					t.Errorf("%s: %s: has %s %d times, want %d: %q", lang, key, name, in, want, got)
				}
			}
			// What is asked stands before ", or type …:" or before ":".
			if question := strings.HasPrefix(key, "ask_") || key == "still_calling"; question && strings.ContainsAny(got[len(got)-1:], ".:!?") {
				t.Errorf("%s: %s: ends like a sentence: %q", lang, key, got)
			}
		}
	}
}

func TestNoLanguageIsACopyOfAnother(t *testing.T) {
	texts := shippedTexts(t)
	for _, key := range []string{"ask_totp", "rejected", "sms_code", "remind", "remind_ready", "not_answered", "other_attempt", "new_password", "expired_elsewhere", "enroll_first", "enroll_waits"} {
		said := map[string]string{}
		for _, lang := range texts.Languages() {
			text, err := texts.render(lang, key, sample)
			if err != nil {
				t.Fatal(err)
			}
			if other, ok := said[text]; ok {
				t.Errorf("%s: %s says the same as %s: %q", lang, key, other, text)
			}
			said[text] = lang
		}
	}
}

// The longest question that most people can get: what they chose, to get it
// again, and two other ways.
func TestAQuestionWithThreeWaysFitsOneReplyMessage(t *testing.T) {
	texts := shippedTexts(t)
	for _, lang := range texts.Languages() {
		tx := func(key string, args ...string) string { return texts.Text(lang, key, args...) }
		choices := strings.Join([]string{
			tx("call_again", "Number", "1"),
			tx("choice", "Number", "2", "What", tx("method_sms_hint", "Hint", "••42")),
			tx("choice", "Number", "3", "What", tx("method_totp")),
		}, ", ")
		for _, key := range []string{"ask_call", "ask_call_match", "still_calling"} {
			ask := tx(key, "Hint", "••42", "Match", "42")
			question := tx("not_answered") + " " + tx("menu", "Ask", ask, "Choices", choices)
			if len(question) > 253 { // RFC 2865, section 5.18
				t.Errorf("%s: %s: has %d octets, and room for 253: %q", lang, key, len(question), question)
			}
		}
	}
}

// The longest question for a new password: what was wrong with the one before,
// and every rule there can be.
func TestAQuestionForANewPasswordFitsOneReplyMessage(t *testing.T) {
	texts := shippedTexts(t)
	for _, lang := range texts.Languages() {
		tx := func(key string, args ...string) string { return texts.Text(lang, key, args...) }
		rules := strings.Join([]string{
			tx("rule_length", "Count", "128"), tx("rule_classes", "Count", "3"), tx("rule_history", "Count", "1024"),
		}, ", ")
		for _, key := range []string{"new_refused", "new_too_short", "new_too_weak", "new_used", "new_untypable", "new_too_soon", "new_differ"} {
			question := tx(key) + " " + tx("plain", "Ask", tx("new_password")+" ("+rules+")")
			if len(question) > 253 { // RFC 2865, section 5.18
				t.Errorf("%s: %s: has %d octets, and room for 253: %q", lang, key, len(question), question)
			}
		}
	}
}

// A key that is cut off is of no use: with what may stand before and behind it
// must fit the room that package login takes for it.
func TestAQuestionWithAKeyFitsOneReplyMessage(t *testing.T) {
	texts := shippedTexts(t)
	for _, lang := range texts.Languages() {
		tx := func(key string, args ...string) string { return texts.Text(lang, key, args...) }
		for _, say := range []string{"", "wrong_code", "not_sent", "unknown_choice"} {
			question := tx("enroll_secret", "Secret", sample["Secret"].(string)) + " " + tx("plain", "Ask", tx("ask_totp"))
			if say != "" {
				question = tx(say) + " " + question
			}
			if len(question) > 240 {
				t.Errorf("%s: after %q: has %d octets, and room for 240: %q", lang, say, len(question), question)
			}
		}
	}
}
