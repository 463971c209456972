package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login/text"
)

// What a text message is tried with: a code, and the most characters of a
// service's name that a message has.
const (
	trialCode    = "000000"
	trialMinutes = "5"
	trialService = 30
)

// checkMessages returns a problem for each language whose message would not
// fit into one part, or does not have the code. The factor would replace such
// a message by words of its own, in English, when somebody waits for it.
func checkMessages(f conf.File, texts *text.Texts) conf.Problems {
	var ps conf.Problems
	for _, lang := range texts.Languages() {
		for _, c := range f.Clients {
			text, hint := checkMessage(texts, lang, c.Name)
			if text == "" {
				continue
			}
			place := conf.Place{File: filepath.Join(f.Texts.Dir, lang+".toml")}
			ps = append(ps, conf.Problem{Place: place, Key: "sms_code", Text: text, Hint: hint})
			break // one for a language is enough
		}
	}
	return ps
}

func checkMessage(texts *text.Texts, lang, service string) (problem, hint string) {
	if runes := []rune(service); len(runes) > trialService {
		service = string(runes[:trialService])
	}
	message := texts.Text(lang, "sms_code", "Code", trialCode, "Service", service, "Minutes", trialMinutes)
	parts, _ := gsm.Parts(message)
	if parts > 1 {
		// The factor writes it in plainer letters before it gives it up.
		parts, _ = gsm.Parts(gsm.Transliterate(message))
	}
	switch {
	case !strings.Contains(message, trialCode):
		return "must contain the code", "write {{.Code}} into it, best at the beginning: locked telephones show that"
	case parts > 1:
		return fmt.Sprintf("must fit into one text message, and needs %d for the client %q", parts, service),
			"make it shorter: there is room for 160 characters, or for 70 when a letter is not Latin"
	}
	return "", ""
}
