package prompts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Config is what the [call] section says of messages.
type Config struct {
	// Folder has the site's own recordings, as LANGUAGE/CLIP.wav.
	Folder string `mapstructure:"prompts"`
	// Languages are those people may be spoken to in, the first for those
	// whose own is not among them. Empty is all there are, and English first.
	Languages []string `mapstructure:"languages"`
	// Organisation is who calls, as said after "this is".
	Organisation string `mapstructure:"organisation"`
	// SayAddress tells the IPv4 address a sign-in comes from, digit by digit.
	SayAddress bool `mapstructure:"say_address"`
}

// DefaultConfig speaks every language and has no recordings.
func DefaultConfig() Config { return Config{} }

// maxName is how many octets the organisation's name may have: it is said in
// each call, before people know what the call is about.
const maxName = 80

// Validate returns every problem but those of the recordings, which [Open]
// reads.
func (c Config) Validate() error {
	var errs []error
	if len(c.Organisation) > maxName {
		errs = append(errs, fmt.Errorf("organisation: has %d octets, and room for %d: write what people call it", len(c.Organisation), maxName))
	}
	if strings.ContainsAny(c.Organisation, "<>&\r\n\t") {
		errs = append(errs, errors.New("organisation: has a character that cannot be spoken (<, >, & or a control character): write it as it is said"))
	}
	for i, name := range c.Languages {
		tag, err := language.Parse(name)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("languages: %q is not a language tag: write it as in \"nb\"", name))
		case tag.String() != name:
			errs = append(errs, fmt.Errorf("languages: %q is written %q: write it so, as its folder is named", name, tag))
		case slices.Contains(c.Languages[:i], name):
			errs = append(errs, fmt.Errorf("languages: %q is there twice: remove one", name))
		case c.Folder == "" && !slices.Contains(shippedLanguages(), name):
			errs = append(errs, fmt.Errorf("languages: %q has no messages: choose from %s, or record them and name their folder in prompts", name, strings.Join(shippedLanguages(), ", ")))
		}
	}
	return errors.Join(errs...)
}
