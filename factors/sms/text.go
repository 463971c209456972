package sms

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login"
)

// Texts has the words of messages in the languages of people.
type Texts interface {
	// Text returns the text of a key in a language, a BCP 47 tag, or in the
	// best one there is; args are names and values in turn. The key "sms_code"
	// has the arguments "Code", "Service" and "Minutes"; the code comes first
	// in the text, because that is what locked telephones show.
	Text(lang, key string, args ...string) string
}

const (
	textKey = "sms_code"
	// maxService is the longest name of a service in a message, in characters.
	maxService = 30
)

// compose returns a message with the code that fits into one part. Texts that
// do not, or that lost the code, are replaced by words of our own: a login
// must not fail because somebody translated too well.
func (f *Factor) compose(u login.User, code string, left time.Duration) string {
	// Half a second is what making the code has taken of the last minute.
	minutes := max(1, int((left + time.Second/2).Minutes()))
	text := strings.TrimSpace(f.texts.Text(u.Language, textKey,
		"Code", code, "Service", serviceName(u.Client), "Minutes", strconv.Itoa(minutes)))
	if f.cfg.Transliterate {
		text = gsm.Transliterate(text)
	}
	parts, _ := gsm.Parts(text)
	if parts > 1 {
		text = gsm.Transliterate(text)
		parts, _ = gsm.Parts(text)
	}
	if parts == 1 && strings.Contains(text, code) {
		return text
	}
	if f.often.Allow("text " + languageTag(u.Language)) {
		f.log.Warn("text of the message is too long or without the code, another is used",
			slog.String(login.KeyKey, textKey), slog.String(login.KeyDetail, languageTag(u.Language)),
			slog.Int(login.KeyCount, parts))
	}
	return fmt.Sprintf("%s is your login code. It is valid for %d minutes.", code, minutes)
}

// serviceName shortens a name and takes out what would break a line.
func serviceName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > maxService {
		return string(runes[:maxService])
	}
	return name
}

// languageTag bounds what comes from a directory for a log.
func languageTag(lang string) string {
	const longest = 16
	if len(lang) > longest {
		return ""
	}
	return lang
}
