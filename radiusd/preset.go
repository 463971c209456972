package radiusd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/radiusd/preset"
)

// WithPreset returns the block with the settings of its product, for the keys
// of the file to be laid upon. written are the keys that the file has; a preset
// that does not exist sets nothing and is told by Validate.
func (c ClientConfig) WithPreset(written map[string]any) any {
	name, _ := written["preset"].(string)
	p, ok := preset.Find(name)
	if !ok {
		return c
	}
	for _, s := range p.Settings {
		c.set(s)
	}
	return c
}

// set puts the value of a preset into its key. It reports whether there is such
// a key with such values.
func (c *ClientConfig) set(s preset.Setting) (ok bool) {
	switch s.Key {
	case "challenge":
		c.Challenge, ok = s.Value.(bool)
	case "send_message_authenticator":
		c.SendMessageAuthenticator, ok = s.Value.(bool)
	case "ascii_prompts":
		c.ASCIIPrompts, ok = s.Value.(bool)
	case "append":
		c.Append, ok = s.Value.(string)
	case "station":
		c.Station, ok = s.Value.(string)
	case "require_message_authenticator":
		c.RequireMessageAuthenticator, ok = s.Value.(string)
	case "limit_proxy_state":
		c.LimitProxyState, ok = s.Value.(string)
	case "on_error":
		c.OnError, ok = s.Value.(string)
	case "patience":
		c.Patience, ok = s.Value.(time.Duration)
	case "max_reply_message":
		c.MaxReplyMessage, ok = s.Value.(int)
	}
	return ok
}

// A PresetValue is a key of a client that its preset names, as it is in force.
type PresetValue struct {
	Key   string
	Value string // as it is written in the file
	Why   string
	// Overruled is whether the file says something else than the preset.
	Overruled bool
}

// PresetValues are the keys that the client's preset names; nil without one.
func (c ClientConfig) PresetValues() []PresetValue {
	p, _ := preset.Find(c.Preset)
	var values []PresetValue
	for _, s := range p.Settings {
		with := c
		with.set(s)
		in := c.value(s.Key)
		values = append(values, PresetValue{Key: s.Key, Value: in, Why: s.Why, Overruled: with.value(s.Key) != in})
	}
	return values
}

// value is what a key that a preset may set has, as it is written in the file.
func (c ClientConfig) value(key string) string {
	switch key {
	case "challenge":
		return strconv.FormatBool(c.Challenge)
	case "send_message_authenticator":
		return strconv.FormatBool(c.SendMessageAuthenticator)
	case "ascii_prompts":
		return strconv.FormatBool(c.ASCIIPrompts)
	case "max_reply_message":
		return strconv.Itoa(c.MaxReplyMessage)
	case "patience":
		return strconv.Quote(c.Patience.String())
	case "append":
		return strconv.Quote(c.Append)
	case "station":
		return strconv.Quote(c.Station)
	case "require_message_authenticator":
		return strconv.Quote(c.RequireMessageAuthenticator)
	case "limit_proxy_state":
		return strconv.Quote(c.LimitProxyState)
	case "on_error":
		return strconv.Quote(c.OnError)
	}
	return ""
}

// unknownPreset says which presets there are.
func unknownPreset(name string) error {
	all := strings.Join(preset.Names(), ", ")
	if near := preset.Nearest(name); near != "" {
		return fmt.Errorf("preset %q is unknown: did you mean %q? There are %s", name, near, all)
	}
	return fmt.Errorf("preset %q is unknown: there are %s; leave the key out for other products", name, all)
}
