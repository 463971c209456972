package cloud

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// maxTwiML is how long a document in the request may be, in characters.
const maxTwiML = 4000

const (
	// keyWait is how long the service waits for a key after the prompt, in
	// seconds: the pause before it is said again.
	keyWait = 5
	// tellPause is the pause between two sayings, in seconds.
	tellPause = 2
)

// voices are the service's voices for our languages.
var voices = map[string]string{
	"nb": "nb-NO", "nn": "nb-NO", "no": "nb-NO",
	"en": "en-GB", "de": "de-DE", "sv": "sv-SE", "da": "da-DK", "fi": "fi-FI", "fr": "fr-FR",
}

// voiceOf is the voice for a BCP 47 tag.
func voiceOf(language string) string {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if v, ok := voices[base]; ok {
		return v
	}
	return voices["en"]
}

// escape writes a text as XML has it, in elements and attributes (attack: the
// name of a service that closes an element and opens another).
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}

// document wraps verbs.
func document(verbs ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Response>` + strings.Join(verbs, "") + `</Response>`
}

// say speaks a text; nothing when there is none.
func say(language, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(`<Say language="%s">%s</Say>`, voiceOf(language), escape(text))
}

// gather says a text and posts one key to an address; without a key another
// address tells what to do. "#" is a key like the others: by default it would
// end an empty input, which is not posted at all.
func gather(spoken, keyAddress, againAddress string) string {
	return fmt.Sprintf(`<Gather input="dtmf" method="POST" action="%s" numDigits="1" finishOnKey="" timeout="%d">%s</Gather>`+
		`<Redirect method="POST">%s</Redirect>`, escape(keyAddress), keyWait, spoken, escape(againAddress))
}

func pause(seconds int) string { return fmt.Sprintf(`<Pause length="%d"/>`, seconds) }

const hangup = `<Hangup/>`
