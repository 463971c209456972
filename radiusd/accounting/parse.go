package accounting

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc6911"

	"github.com/portvakt/portvakt/login"
)

var (
	// ErrMalformed means attributes whose lengths cannot be right: the whole
	// request is discarded (RFC 2866, section 5).
	ErrMalformed = errors.New("accounting: malformed attribute")
	// ErrForbidden means an attribute that has no place in accounting, a
	// password among them (RFC 2866, section 4.1).
	ErrForbidden = errors.New("accounting: attribute of an Access-Request")
	// ErrIncomplete means that it does not say what has happened, or to which
	// session (RFC 2866, sections 5.1 and 5.5).
	ErrIncomplete = errors.New("accounting: no Acct-Status-Type or Acct-Session-Id")
)

const (
	// maxDelay bounds Acct-Delay-Time and the age of an Event-Timestamp: a
	// device does not keep records longer, and one whose clock begins in 1970
	// is not believed.
	maxDelay = 7 * 24 * time.Hour
	// maxAhead is how far a device's clock may be ahead.
	maxAhead = 5 * time.Minute
	// maxClass is how many octets of Class are kept of a session.
	maxClass = 1024
)

// forbidden have no place in an Accounting-Request (RFC 2866, section 4.1).
var forbidden = map[radius.Type]bool{
	rfc2865.UserPassword_Type: true, rfc2865.CHAPPassword_Type: true,
	rfc2865.ReplyMessage_Type: true, rfc2865.State_Type: true,
}

// identifying tell a device which of its sessions is meant, and a proxy which
// device. They are few, because devices refuse those that they do not expect
// (RFC 5176, section 3).
var identifying = map[radius.Type]bool{
	rfc2865.UserName_Type: true, rfc2865.NASIPAddress_Type: true, rfc2865.NASIdentifier_Type: true,
	rfc3162.NASIPv6Address_Type: true, rfc2865.CallingStationID_Type: true,
	rfc2866.AcctSessionID_Type: true, rfc2866.AcctMultiSessionID_Type: true,
}

// Statuses of RFC 2866, section 5.1.
var statuses = map[uint32]login.SessionStatus{
	1: login.SessionStart, 2: login.SessionStop, 3: login.SessionInterim,
	7: login.SessionOn, 8: login.SessionOff,
}

// A reader takes the attributes of one request; the first of a kind counts.
type reader struct {
	first  map[radius.Type][]byte
	report login.SessionReport
	err    error
}

// Parse reads encoded attributes that came from an address at a time. Client
// of the report is left to the caller. Errors are [ErrMalformed],
// [ErrForbidden] and [ErrIncomplete].
func Parse(avps []byte, from netip.Addr, now time.Time) (login.SessionReport, error) {
	r := reader{first: map[radius.Type][]byte{}}
	classes := 0
	for len(avps) > 0 {
		if len(avps) < 2 || avps[1] < 2 || int(avps[1]) > len(avps) {
			return login.SessionReport{}, ErrMalformed
		}
		n := int(avps[1])
		t, value := radius.Type(avps[0]), avps[2:n]
		_, again := r.first[t]
		switch {
		case forbidden[t]:
			return login.SessionReport{}, ErrForbidden
		case len(value) == 0:
		case t == rfc2865.Class_Type:
			if classes += len(value); classes <= maxClass {
				r.report.Class = append(r.report.Class, append([]byte(nil), value...))
			}
		case !again:
			r.first[t] = value
			if identifying[t] {
				r.report.Identity = append(r.report.Identity, avps[:n]...)
			}
		}
		avps = avps[n:]
	}
	r.read(from, now)
	if r.err != nil {
		return login.SessionReport{}, r.err
	}
	return r.report, nil
}

func (r *reader) read(from netip.Addr, now time.Time) {
	s := &r.report.Session
	s.From = from
	s.ID = r.text(rfc2866.AcctSessionID_Type)
	s.MultiID = r.text(rfc2866.AcctMultiSessionID_Type)
	s.User = r.text(rfc2865.UserName_Type)
	s.Station = r.text(rfc2865.CallingStationID_Type)
	s.Called = r.text(rfc2865.CalledStationID_Type)
	s.NAS = r.nas(from)
	s.Port = r.text(rfc2869.NASPortID_Type)
	if port, ok := r.number(rfc2865.NASPort_Type); ok && s.Port == "" {
		s.Port = strconv.FormatUint(uint64(port), 10)
	}
	s.Address = r.address(rfc2865.FramedIPAddress_Type, 4)
	if !s.Address.IsValid() {
		s.Address = r.address(rfc6911.FramedIPv6Address_Type, 16)
	}
	s.In = r.octets(rfc2866.AcctInputOctets_Type, rfc2869.AcctInputGigawords_Type)
	s.Out = r.octets(rfc2866.AcctOutputOctets_Type, rfc2869.AcctOutputGigawords_Type)
	lasted, _ := r.number(rfc2866.AcctSessionTime_Type)
	s.Lasted = time.Duration(lasted) * time.Second
	if cause, ok := r.number(rfc2866.AcctTerminateCause_Type); ok {
		s.Cause = causeOf(cause)
	}
	r.report.At = r.at(now)

	status, ok := r.number(rfc2866.AcctStatusType_Type)
	if r.report.Status = statuses[status]; r.report.Status == "" {
		r.report.Status = login.SessionOther
	}
	switch {
	case r.err != nil:
	case !ok:
		r.err = ErrIncomplete
	case s.ID == "" && r.ofSession():
		r.err = ErrIncomplete
	}
}

// ofSession reports whether the status is one of a session.
func (r *reader) ofSession() bool {
	switch r.report.Status {
	case login.SessionStart, login.SessionInterim, login.SessionStop:
		return true
	case login.SessionOn, login.SessionOff, login.SessionOther:
	}
	return false
}

// text is the value of a text. One that is none is shown as its octets, so
// that different ones stay different.
func (r *reader) text(t radius.Type) string {
	b := r.first[t]
	if !utf8.Valid(b) {
		return "0x" + hex.EncodeToString(b)
	}
	return string(b)
}

// number is the value of an integer.
func (r *reader) number(t radius.Type) (n uint32, ok bool) {
	b, ok := r.first[t]
	if !ok {
		return 0, false
	}
	if len(b) != 4 {
		r.err = ErrMalformed
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// octets puts a counter together from its two halves (RFC 2869, sections 5.1
// and 5.2).
func (r *reader) octets(low, high radius.Type) uint64 {
	l, _ := r.number(low)
	h, _ := r.number(high)
	return uint64(h)<<32 | uint64(l)
}

func (r *reader) address(t radius.Type, size int) netip.Addr {
	b, ok := r.first[t]
	if !ok {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok || len(b) != size {
		r.err = ErrMalformed
		return netip.Addr{}
	}
	return a
}

// nas names the device: as it calls itself, or else by an address.
func (r *reader) nas(from netip.Addr) string {
	if name := r.text(rfc2865.NASIdentifier_Type); name != "" {
		return name
	}
	v4, v6 := r.address(rfc2865.NASIPAddress_Type, 4), r.address(rfc3162.NASIPv6Address_Type, 16)
	switch {
	case v4.IsValid():
		return v4.String()
	case v6.IsValid():
		return v6.String()
	}
	return from.String()
}

// at is when it happened. Acct-Delay-Time comes first: it needs no clock that
// is right (RFC 2866, section 5.2; RFC 2869, section 5.3).
func (r *reader) at(now time.Time) time.Time {
	if delay, ok := r.number(rfc2866.AcctDelayTime_Type); ok {
		return now.Add(-min(time.Duration(delay)*time.Second, maxDelay))
	}
	if stamp, ok := r.number(rfc2869.EventTimestamp_Type); ok {
		at := time.Unix(int64(stamp), 0)
		if age := now.Sub(at); age <= maxDelay && age >= -maxAhead {
			return at
		}
	}
	return now
}

// causes are the values of Acct-Terminate-Cause (RFC 2866, section 5.10; RFC
// 3580, section 4).
var causes = [...]string{
	1: login.CauseUserRequest, 2: "lost_carrier", 3: "lost_service", 4: "idle_timeout", 5: "session_timeout",
	6: "admin_reset", 7: "admin_reboot", 8: "port_error", 9: "nas_error", 10: "nas_request",
	11: "nas_reboot", 12: "port_unneeded", 13: "port_preempted", 14: "port_suspended",
	15: "service_unavailable", 16: "callback", 17: "user_error", 18: "host_request",
	19: "supplicant_restart", 20: "reauthentication_failure", 21: "port_reinitialized",
	22: "port_disabled",
}

func causeOf(n uint32) string {
	if n > 0 && n < uint32(len(causes)) {
		return causes[n]
	}
	return fmt.Sprint(n)
}
