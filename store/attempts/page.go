package attempts

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	// pageSize is how many octets of events a page takes before the next one
	// is begun; what does not shrink still fits in a value of the store.
	pageSize = 48 << 10
	// maxField bounds each text of an event: a name has at most 253 octets.
	maxField = 512
	version  = 1
)

var errPage = errors.New("attempts: not a page of this version")

// An event is a [login.Event] as it is kept; empty fields are left out. Its
// names are short, there are very many.
type event struct {
	Time      int64         `json:"t"` // milliseconds
	Attempt   string        `json:"id"`
	Outcome   string        `json:"o"`
	Reason    login.Reason  `json:"r,omitempty"`
	Detail    string        `json:"d,omitempty"`
	User      string        `json:"u,omitempty"`
	Account   string        `json:"a,omitempty"`
	Client    string        `json:"c,omitempty"`
	Station   string        `json:"s,omitempty"`
	Rule      string        `json:"ru,omitempty"`
	Method    string        `json:"m,omitempty"`
	Took      time.Duration `json:"k,omitempty"`
	Directory time.Duration `json:"kd,omitempty"`
	Elsewhere time.Duration `json:"ke,omitempty"`
	Copies    int           `json:"n,omitempty"`
	Gone      bool          `json:"g,omitempty"`
	Alarm     bool          `json:"al,omitempty"`
	Emergency string        `json:"em,omitempty"`
}

func cut(s string) string { return s[:min(len(s), maxField)] }

func kept(e *login.Event) event {
	return event{
		Time: e.Time.UnixMilli(), Attempt: cut(e.Attempt), Outcome: e.Outcome, Reason: e.Reason, Detail: cut(e.Detail), User: cut(e.User),
		Account: cut(e.AccountID), Client: cut(e.Client), Station: cut(e.Station), Rule: cut(e.Rule), Method: cut(e.Method),
		Took: e.Took.Round(time.Microsecond), Directory: e.Directory.Round(time.Microsecond), Elsewhere: e.Elsewhere.Round(time.Millisecond), Alarm: e.Alarm,
		Emergency: cut(e.Emergency), Copies: e.Copies, Gone: e.Gone,
	}
}

func (e event) login() login.Event {
	return login.Event{
		Time: time.UnixMilli(e.Time), Attempt: e.Attempt, Outcome: e.Outcome, Reason: e.Reason, Detail: e.Detail, User: e.User,
		AccountID: e.Account, Client: e.Client, Station: e.Station, Rule: e.Rule, Method: e.Method,
		Took: e.Took, Directory: e.Directory, Elsewhere: e.Elsewhere, Alarm: e.Alarm,
		Emergency: e.Emergency, Copies: e.Copies, Gone: e.Gone,
	}
}

// A packer makes values of pages. It keeps its memory, a mebioctet, for the
// next one.
type packer struct {
	w *flate.Writer
	b bytes.Buffer
}

// pack makes a value of the lines of a page: a version and their compressed
// text. It is good until the next one.
func (p *packer) pack(lines []byte) ([]byte, error) {
	p.b.Reset()
	p.b.WriteByte(version)
	if p.w == nil {
		w, err := flate.NewWriter(&p.b, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.w = w
	} else {
		p.w.Reset(&p.b)
	}
	_, err := p.w.Write(lines)
	err = errors.Join(err, p.w.Close())
	return p.b.Bytes(), err
}

// decodePage calls fn for each event of a page, in the order they were told.
func decodePage(data []byte, fn func(event)) error {
	if len(data) == 0 || data[0] != version {
		return errPage
	}
	// One event may go over the size of a page; what is larger is no page.
	r := flate.NewReader(bytes.NewReader(data[1:]))
	lines, err := io.ReadAll(io.LimitReader(r, pageSize+32*maxField+1))
	if err != nil || len(lines) > pageSize+32*maxField {
		return fmt.Errorf("%w: its text cannot be read", errPage)
	}
	d := json.NewDecoder(bytes.NewReader(lines))
	for {
		var e event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: an event cannot be read", errPage)
		}
		fn(e)
	}
}
