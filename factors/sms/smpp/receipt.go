package smpp

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
)

// A State is what became of a message.
type State string

// The states that receipts tell. The telephone has a message that is
// Delivered, and never gets one that is Expired, Undeliverable or Rejected.
const (
	Delivered     State = "delivered"
	Expired       State = "expired"
	Undeliverable State = "undeliverable"
	Rejected      State = "rejected"
	Accepted      State = "accepted" // under way
	Unknown       State = "unknown"
)

// final reports whether the state is the last one.
func (s State) final() bool { return s != Accepted && s != Unknown }

// A Receipt tells what became of a message.
type Receipt struct {
	// MessageID is what Send returned.
	MessageID string
	State     State
	// Final is whether no other receipt will change it.
	Final bool
	// At is when the receipt came: the times within are of a clock and a zone
	// that nobody knows.
	At time.Time
}

// A delivery is a deliver_sm: a receipt, or what a person wrote (SMPP 3.4,
// section 4.6.1).
type delivery struct {
	class   byte
	coding  byte
	message []byte
	tags    map[tag][]byte
}

func readDelivery(body []byte) (delivery, error) {
	r := reader{rest: body}
	r.text() // service type
	for range 2 {
		r.octets(2) // type and plan of source and destination
		r.text()
	}
	d := delivery{class: r.octet()}
	r.octets(2) // protocol, priority
	r.text()    // times
	r.text()
	r.octets(2) // registered delivery, replace
	d.coding = r.octet()
	r.octet() // predefined message
	d.message = r.octets(int(r.octet()))
	d.tags = r.tags()
	if payload := d.tags[messagePayload]; len(d.message) == 0 {
		d.message = payload
	}
	return d, r.err
}

const (
	esmType          byte = 0x3c // the bits of esm_class that tell what a deliver_sm is (section 5.2.12)
	esmReceipt       byte = 0x04
	esmIntermediate  byte = 0x20
	maxReceiptOctets      = 512 // of a receipt's text that are looked at
)

// receipt reads a receipt; ok is false for anything else. The SMSC marks
// receipts, by the class or by parameters; a text that looks like one is what
// somebody wrote (attack: a stranger sends "id:… stat:DELIVRD").
func (d delivery) receipt(now time.Time) (Receipt, bool) {
	r := Receipt{At: now, MessageID: clean(strings.TrimRight(string(d.tags[receiptedMessageID]), "\x00"))}
	if state := d.tags[messageState]; len(state) == 1 {
		r.State = stateOf(state[0])
	}
	kind := d.class & esmType
	switch {
	case kind == esmReceipt, kind == esmIntermediate:
		id, state := readReceipt(d.text())
		if r.MessageID == "" {
			r.MessageID = id
		}
		if r.State == "" {
			r.State = state
		}
	case kind != 0 || r.State == "":
		return Receipt{}, false
	}
	if r.MessageID == "" {
		return Receipt{}, false
	}
	if r.State == "" {
		r.State = Unknown
	}
	r.Final = r.State.final() && kind != esmIntermediate
	return r, true
}

// text decodes as far as receipts need it: their words are ASCII.
func (d delivery) text() string {
	b := d.message[:min(len(d.message), maxReceiptOctets)]
	if d.coding != dataCodingUCS2 {
		return string(b)
	}
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units))
}

// The words of a receipt (SMPP 3.4, appendix B). What follows "text:" is the
// message's own.
var (
	receiptID   = regexp.MustCompile(`(?i)(?:^|\s)id:\s*([!-~]+)`)
	receiptStat = regexp.MustCompile(`(?i)(?:^|\s)stat:\s*([a-z]+)`)
	receiptText = regexp.MustCompile(`(?i)\stext:`)
)

func readReceipt(text string) (id string, state State) {
	if at := receiptText.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	if m := receiptID.FindStringSubmatch(text); m != nil {
		id = clean(m[1])
	}
	if m := receiptStat.FindStringSubmatch(text); m != nil {
		state = words[strings.ToUpper(m[1])]
	}
	return id, state
}

// words are the states of appendix B.
var words = map[string]State{
	"DELIVRD": Delivered,
	"EXPIRED": Expired,
	"DELETED": Undeliverable,
	"UNDELIV": Undeliverable,
	"REJECTD": Rejected,
	"ACCEPTD": Accepted,
	"ENROUTE": Accepted,
	"UNKNOWN": Unknown,
}

// stateOf reads a message_state (section 5.2.28).
func stateOf(b byte) State {
	states := [...]State{1: Accepted, 2: Delivered, 3: Expired, 4: Undeliverable, 5: Undeliverable, 6: Accepted, 7: Unknown, 8: Rejected}
	if int(b) < len(states) && states[b] != "" {
		return states[b]
	}
	return Unknown
}
