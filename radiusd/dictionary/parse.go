package dictionary

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxLine       = 1024      // octets of a line
	maxLines      = 20_000    // lines of a file
	maxName       = 64        // octets of a name
	maxProblems   = 20        // problems reported of one file
	maxEnterprise = 1<<24 - 1 // the high octet is zero: RFC 2865, section 5.26

	vendorSpecific = 26  // RFC 2865, section 5.26
	firstExtended  = 241 // RFC 6929, section 1.2
)

// Parse adds the attributes of one file to d; name is for messages. The error
// joins all problems, each with its line; the dictionary is not to be used
// after one.
func (d *Dictionary) Parse(name string, r io.Reader) error {
	p := parser{d: d}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var problems []error
	for lines.Scan() {
		p.line++
		if p.line > maxLines {
			problems = append(problems, fmt.Errorf("%s: more than %d lines", name, maxLines))
			break
		}
		if err := p.read(lines.Text()); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", name, p.line, err))
			if len(problems) == maxProblems {
				problems = append(problems, fmt.Errorf("%s: too many problems, the rest was not read", name))
				break
			}
		}
	}
	if err := lines.Err(); err != nil {
		problems = append(problems, fmt.Errorf("%s:%d: %w", name, p.line+1, err))
	}
	return errors.Join(problems...)
}

// A parser is in the middle of a file.
type parser struct {
	d      *Dictionary
	line   int
	vendor Vendor
	last   *Attribute // what a values line belongs to
}

func (p *parser) read(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil
	}
	switch fields[0] {
	case "vendor":
		return p.readVendor(fields[1:])
	case "attribute":
		return p.readAttribute(fields[1:])
	case "values":
		return p.readValues(fields[1:])
	default:
		return fmt.Errorf("%q is none of vendor, attribute, values", clip(fields[0]))
	}
}

func (p *parser) readVendor(f []string) error {
	p.last = nil
	if len(f) != 2 && len(f) != 3 {
		return errors.New("write: vendor NAME NUMBER [TYPESIZE/LENGTHSIZE]")
	}
	if err := checkName(f[0]); err != nil {
		return err
	}
	number, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil || number == 0 || number > maxEnterprise {
		return fmt.Errorf("%q is no enterprise number (1 to %d)", clip(f[1]), maxEnterprise)
	}
	v := Vendor{Name: f[0], Number: uint32(number), TypeSize: 1, LengthSize: 1}
	if len(f) == 3 {
		switch f[2] {
		case "1/0", "1/1", "1/2", "2/0", "2/1", "2/2", "4/0", "4/1", "4/2":
			v.TypeSize, v.LengthSize = int(f[2][0]-'0'), int(f[2][2]-'0')
		default:
			return fmt.Errorf("%q is no format: the type has 1, 2 or 4 octets, the length 0, 1 or 2, e.g. 2/1", clip(f[2]))
		}
	}
	if old, ok := p.d.vendors[v.Number]; ok && old != v {
		return fmt.Errorf("vendor %d is already known as %s %d/%d", v.Number, old.Name, old.TypeSize, old.LengthSize)
	}
	p.d.vendors[v.Number] = v
	p.vendor = v
	return nil
}

func (p *parser) readAttribute(f []string) error {
	p.last = nil
	if len(f) < 3 {
		return errors.New("write: attribute NAME NUMBER TYPE [FLAG …]")
	}
	a := &Attribute{Name: f[0], Vendor: p.vendor}
	if err := checkName(a.Name); err != nil {
		return err
	}
	number, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil || number < 1 || number > p.vendor.maxNumber() {
		return fmt.Errorf("%s: %q is no attribute number (1 to %d)", a.Name, clip(f[1]), p.vendor.maxNumber())
	}
	a.Number = uint32(number)
	if p.vendor.Number == 0 && (number == vendorSpecific || number >= firstExtended) {
		return fmt.Errorf("%s: attribute %d holds other attributes; write them under a vendor line", a.Name, number)
	}
	t, ok := typeNames[f[2]]
	if !ok {
		return fmt.Errorf("%s: %q is no type; see the documentation of the format", a.Name, clip(f[2]))
	}
	a.Type = t
	for _, flag := range f[3:] {
		switch flag {
		case "tagged":
			a.Tagged = true
		case "encrypted":
			a.Encrypted = true
		case "secret":
			a.Secret = true
		case "request":
			a.Use = UseRequest
		case "own":
			a.Use = UseOwn
		default:
			return fmt.Errorf("%s: %q is no flag", a.Name, clip(flag))
		}
	}
	// RFC 2868 tags texts and integers and encrypts texts; nothing else is defined.
	if a.Tagged && a.Type != Text && a.Type != Integer || a.Encrypted && a.Type != Text && a.Type != Octets {
		return fmt.Errorf("%s: its type cannot have this flag", a.Name)
	}
	key := strings.ToLower(a.Name)
	if old, ok := p.d.byName[key]; ok {
		return fmt.Errorf("%s is already defined as %d of vendor %d", old.Name, old.Number, old.Vendor.Number)
	}
	p.d.byName[key] = a
	if _, ok := p.d.byID[a.ID()]; !ok {
		p.d.byID[a.ID()] = a
	}
	p.last = a
	return nil
}

func (p *parser) readValues(f []string) error {
	if p.last == nil || p.last.Type != Integer {
		return errors.New("values must follow an integer attribute")
	}
	for _, field := range f {
		name, text, ok := strings.Cut(field, "=")
		if !ok {
			return errors.New("write: values NAME=NUMBER …")
		}
		if err := checkName(name); err != nil {
			return err
		}
		number, err := strconv.ParseUint(text, 10, 32)
		if err != nil || p.last.Tagged && number > maxTagged {
			return fmt.Errorf("%s: %q is no number", name, clip(text))
		}
		if _, ok := p.last.numbered(name); ok {
			return fmt.Errorf("%s: already a value of %s", name, p.last.Name)
		}
		p.last.values = append(p.last.values, namedValue{name, uint32(number)})
	}
	return nil
}

// maxNumber is the largest attribute number the vendor's type field holds.
func (v Vendor) maxNumber() uint64 {
	if v.Number == 0 {
		return 255
	}
	return 1<<(8*v.TypeSize) - 1
}

// checkName refuses names that a configuration could not tell from something
// else: a colon stands before a tag.
func checkName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("%q is no name: 1 to %d letters, digits, - _ . / +", clip(name), maxName)
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_./+", c) >= 0:
		default:
			return fmt.Errorf("%q is no name: 1 to %d letters, digits, - _ . / +", name, maxName)
		}
	}
	return nil
}
