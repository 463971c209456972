package text

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// sample is what a placeholder is filled with to measure a sentence: the
// longest that occurs.
var sample = map[string]any{
	"Hint": "••42", "Ask": "", "Choices": "", "Number": "9", "What": "", "Date": "2026-12-24",
	"Code": "123456", "Service": "a-service-name-16", "Minutes": "5",
	"Match": "42", "Count": "128", "Days": "120", "Secret": "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567",
}

// limits are the octets of UTF-8 each sentence may have, with the sample
// filled in. A question with its choices must fit one Reply-Message of 253
// octets (RFC 2865, section 5.18), since clients exist that show only the
// first; an SMS must fit one part of 160 characters (GSM 03.38).
var limits = map[string]int{
	"ask_totp": 60, "ask_sms": 60, "ask_recovery": 60, "ask_bypass": 60,
	"menu": 24, "plain": 8, "choice": 16, "resend": 40,
	"method_totp": 24, "method_totp_hint": 40, "method_sms": 24, "method_sms_hint": 32,
	"ask_email": 60, "method_email": 24, "method_email_hint": 32, "email_subject": 100, "email_code": 400,
	"method_recovery": 32, "method_bypass": 32,
	"wait_call": 80, "match_call": 96, "ask_call": 60, "retry_call": 40,
	"method_call": 24, "method_call_hint": 40,
	"wrong_code": 60, "used_code": 60, "unknown_choice": 60, "not_sent": 60, "not_delivered": 60, "not_answered": 60, "too_many_calls": 60,
	"new_password": 60, "new_again": 60, "rule_length": 32, "rule_classes": 60, "rule_history": 32,
	"new_refused": 56, "new_too_short": 56, "new_too_weak": 56, "new_used": 56, "new_untypable": 56, "new_too_soon": 56, "new_differ": 56,
	"expired_elsewhere": 160,
	"rejected":          120, "other_attempt": 160, "code_sent": 120, "remind": 200, "remind_ready": 200, "sms_code": 160,
	"enroll_first": 80, "enroll_second": 90, "enroll_early": 160, "enroll_secret": 110, "enroll_waits": 120, "phone_changed": 160,
	"remind_message": 160, "remind_subject": 100,
}

// Keys are all keys a language has.
func Keys() []string { return slices.Sorted(maps.Keys(limits)) }

// check returns every sentence of a language that is missing or too long.
func (t *Texts) check(lang string) error {
	var errs []error
	for _, key := range Keys() {
		text, err := t.render(lang, key, sample)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %s: %w", lang, key, err))
		case text == "":
			errs = append(errs, fmt.Errorf("%s: %s: is empty: write a sentence, or remove the line to keep ours", lang, key))
		case len(text) > limits[key]:
			errs = append(errs, fmt.Errorf("%s: %s: has %d octets, and room for %d: shorten it", lang, key, len(text), limits[key]))
		}
	}
	return errors.Join(errs...)
}
