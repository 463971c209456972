package email

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/login"
)

// Texts has the words of messages in the languages of people.
type Texts interface {
	// Text returns the text of a key in a language, a BCP 47 tag, or in the
	// best one there is; args are names and values in turn. The keys
	// "email_code" and "email_subject" have the arguments "Code" (not in the
	// subject: servers log it), "Service" and "Minutes".
	Text(lang, key string, args ...string) string
}

const (
	bodyKey    = "email_code"
	subjectKey = "email_subject"
	maxService = 60 // characters of a service's name
	maxSubject = 150
	maxBody    = 4000
)

// A message is what is sent to one address.
type message struct{ to, subject, body string }

// compose writes the message with the code. Texts that lost the code, or tell
// it in the subject, are replaced by words of our own: a login must not fail
// because somebody translated too well.
func (f *Factor) compose(u login.User, to, c string, left time.Duration) message {
	minutes, service := strconv.Itoa(int(left.Round(time.Minute).Minutes())), printable(u.Client, maxService)
	m := message{
		to:      to,
		subject: printable(f.texts.Text(u.Language, subjectKey, "Service", service, "Minutes", minutes), maxSubject),
		body:    strings.TrimSpace(f.texts.Text(u.Language, bodyKey, "Code", c, "Service", service, "Minutes", minutes)),
	}
	if m.subject == "" || m.subject == subjectKey || strings.Contains(m.subject, c) {
		f.replaced(u, subjectKey)
		m.subject = "Your login code"
	}
	if !strings.Contains(m.body, c) || len(m.body) > maxBody {
		f.replaced(u, bodyKey)
		m.body = fmt.Sprintf("%s is your login code. It is valid for %s minutes.", c, minutes)
	}
	return m
}

func (f *Factor) replaced(u login.User, key string) {
	if f.often.Allow("text " + key) {
		f.log.Warn("text of the message is too long or without the code, another is used", slog.String(login.KeyKey, key),
			slog.String(login.KeyDetail, printable(u.Language, len("zh-Hant-TW"))))
	}
}

// printable shortens a text for a header or a log, and takes out what would
// end its line.
func printable(text string, longest int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest])
	}
	return text
}
