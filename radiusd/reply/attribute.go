package reply

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// maxValues bounds the list of one attribute; more do not fit a packet.
const maxValues = 200

// A key tells attributes apart: tags make separate groups of the same
// attribute (RFC 2868, section 3.1).
type key struct {
	id  dictionary.ID
	tag byte
}

// An attribute is one line of a rule, compiled.
type attribute struct {
	key    key
	name   string
	values []value
}

// A value is either octets, ready to be sent, or a template.
type value struct {
	octets   []byte
	template *template
}

func compileAttributes(d *dictionary.Dictionary, written map[string]any) ([]attribute, []error) {
	var attributes []attribute
	var problems []error
	seen := make(map[key]string)
	size := 0
	for _, name := range slices.Sorted(maps.Keys(written)) {
		a, err := compileAttribute(d, name, written[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("attributes: %w", err))
			continue
		}
		if other, ok := seen[a.key]; ok {
			problems = append(problems, fmt.Errorf("attributes: %s and %s are the same attribute; write one of them, with a list of values", other, name))
			continue
		}
		seen[a.key] = name
		for _, v := range a.values {
			size += len(v.octets)
		}
		attributes = append(attributes, a)
	}
	if size > MaxOctets {
		problems = append(problems, fmt.Errorf("attributes: %d octets together are more than the %d a reply can carry; send fewer values", size, MaxOctets))
	}
	return attributes, problems
}

func compileAttribute(d *dictionary.Dictionary, written string, v any) (attribute, error) {
	name, tag, err := cutTag(written)
	if err != nil {
		return attribute{}, err
	}
	entry, err := d.Find(name)
	if err != nil {
		return attribute{}, err
	}
	switch {
	case entry.Use == dictionary.UseOwn:
		return attribute{}, fmt.Errorf("%s: is made by the server itself; remove it", entry.Name)
	case entry.Use == dictionary.UseRequest:
		return attribute{}, fmt.Errorf("%s: is sent by devices and means nothing in a reply; remove it", entry.Name)
	case entry.Encrypted:
		return attribute{}, fmt.Errorf("%s: is encrypted anew for each reply, which rules cannot do; remove it", entry.Name)
	}
	a := attribute{key: key{entry.ID(), tag}, name: entry.Name}
	texts, err := asTexts(v)
	if err != nil {
		return attribute{}, fmt.Errorf("%s: %w", entry.Name, err)
	}
	for _, text := range texts {
		compiled, err := compileValue(entry, tag, text)
		if err != nil {
			return attribute{}, err
		}
		a.values = append(a.values, compiled)
	}
	return a, nil
}

// Encode returns attributes that are no matter of rules, by name as in a rule, with
// values that are constants. The error joins all problems.
func Encode(d *dictionary.Dictionary, written map[string]any) ([]byte, error) {
	attributes, problems := compileAttributes(d, written)
	var octets []byte
	for _, a := range attributes {
		for _, v := range a.values {
			if v.template != nil {
				problems = append(problems, fmt.Errorf("%s: braces stand for a person in rules only; {{ is a brace", a.name))
				continue
			}
			octets = append(octets, v.octets...)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return octets, nil
}

// cutTag splits "Tunnel-Type:1".
func cutTag(written string) (name string, tag byte, err error) {
	name, digits, tagged := strings.Cut(written, ":")
	if !tagged {
		return name, 0, nil
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || n < 1 || n > 31 {
		return "", 0, fmt.Errorf("%s: behind the colon stands a tag from 1 to 31", written)
	}
	return name, byte(n), nil
}

func compileValue(entry dictionary.Attribute, tag byte, text string) (value, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", entry.Name, err)
	}
	if constant, ok := t.constant(); ok {
		e, err := dictionary.Encode(entry, constant, tag)
		if err != nil {
			return value{}, err
		}
		octets, err := e.Append(nil, nil)
		return value{octets: octets}, err
	}
	t.attribute, t.tag = entry, tag
	// What the administrator wrote around the braces must be sendable.
	if _, err := dictionary.EncodeText(entry, t.with("x", "x", "x"), tag); err != nil {
		return value{}, err
	}
	return value{template: t}, nil
}

// asTexts reads what TOML can hold as a value.
func asTexts(v any) ([]string, error) {
	switch v := v.(type) {
	case []any:
		var texts []string
		for _, item := range v {
			if _, nested := item.([]any); nested {
				return nil, errors.New("a list in a list; write one list of values")
			}
			more, err := asTexts(item)
			if err != nil {
				return nil, err
			}
			texts = append(texts, more...)
		}
		return bounded(texts)
	case []string:
		return bounded(v)
	case string:
		return []string{v}, nil
	case int:
		return []string{strconv.Itoa(v)}, nil
	case int64:
		return []string{strconv.FormatInt(v, 10)}, nil
	case uint64:
		return []string{strconv.FormatUint(v, 10)}, nil
	case time.Time:
		return []string{v.Format(time.RFC3339)}, nil
	case bool:
		return nil, errors.New("true and false are no values of RADIUS; write the number or the name the device knows")
	default:
		return nil, fmt.Errorf("a value of type %T; write a text, a number or a list of them", v)
	}
}

func bounded(texts []string) ([]string, error) {
	if len(texts) == 0 {
		return nil, errors.New("an empty list; leave the attribute out")
	}
	if len(texts) > maxValues {
		return nil, fmt.Errorf("%d values are more than %d", len(texts), maxValues)
	}
	return texts, nil
}
