package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/login"
)

// enrollVersion is the first octet of a record; what follows is texts with
// their length in front: name, preferred method, language, and for each
// credential id, kind, label, data and when it was created. A login reads a
// record, so reading is cheap: the texts share one string.
const enrollVersion = 1

// maxCredentials bounds what a damaged record can make a reader allocate.
const maxCredentials = 256

// enrollment is the record of an account. The name is for listings; the
// account's id is what counts.
type enrollment struct {
	Name string
	login.Enrollment
}

func encodeEnrollment(r enrollment) []byte {
	b := []byte{enrollVersion}
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(r.Name)
	text(r.Preferred)
	text(r.Language)
	b = binary.AppendUvarint(b, uint64(len(r.Credentials)))
	for _, c := range r.Credentials {
		text(c.ID)
		text(c.Kind)
		text(c.Label)
		text(string(c.Data))
		b = binary.AppendVarint(b, c.Created.Unix())
	}
	return b
}

func decodeEnrollment(key string, v Value) (enrollment, error) {
	if len(v.Data) > 0 && v.Data[0] != enrollVersion {
		return enrollment{}, fmt.Errorf("enrollment %q has version %d, this program knows %d; use the newer program: %w",
			key, v.Data[0], enrollVersion, ErrUnreadable)
	}
	d := textReader{rest: string(v.Data), bad: len(v.Data) == 0}
	if !d.bad {
		d.rest = d.rest[1:]
	}
	r := enrollment{Name: d.text()}
	r.Preferred, r.Language = d.text(), d.text()
	n := d.uvarint()
	if n > maxCredentials {
		d.bad = true
	}
	if !d.bad && n > 0 {
		r.Credentials = make([]login.Credential, n)
		for i := range r.Credentials {
			c := &r.Credentials[i]
			c.ID, c.Kind, c.Label = d.text(), d.text(), d.text()
			c.Data = json.RawMessage(d.text())
			c.Created = time.Unix(d.varint(), 0).UTC()
		}
	}
	if d.bad || d.rest != "" {
		return enrollment{}, fmt.Errorf("enrollment %q: %w: restore the database from a backup, or portvakt user forget", key, ErrUnreadable)
	}
	r.Rev = v.Rev
	return r, nil
}

// A textReader takes a record apart; bad stays true from the first thing that
// does not fit.
type textReader struct {
	rest string
	bad  bool
}

func (d *textReader) text() string {
	n := d.uvarint()
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *textReader) uvarint() uint64 {
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64-1; i++ {
		if d.rest[i] < 0x80 {
			var v uint64
			for j := i; j >= 0; j-- {
				v = v<<7 | uint64(d.rest[j]&0x7f)
			}
			d.rest = d.rest[i+1:]
			return v
		}
	}
	d.bad = true
	return 0
}

func (d *textReader) varint() int64 {
	u := d.uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}
