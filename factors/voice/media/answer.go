package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/srtp/v3"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

// Why an answer cannot be used.
var (
	ErrMalformed = errors.New("media: the answer is not a session description")
	ErrTooLarge  = errors.New("media: the answer is too large")
	ErrRefused   = errors.New("media: the answer refuses sound")
	ErrCodec     = errors.New("media: the answer has neither PCMA nor PCMU")
	ErrInsecure  = errors.New("media: the answer has no usable SRTP")
	ErrAddress   = errors.New("media: the answer has no usable address")
)

// Bounds of an answer. Ours to an offer of one medium are tenths of that.
const (
	maxAnswer  = 8 << 10
	maxLines   = 200
	maxFormats = 64
)

// An agreement is what offer and answer settled. It is not changed, but for
// what belongs to the receiver and to the sender alone.
type agreement struct {
	text string         // the answer
	to   netip.AddrPort // where the answer says to send
	law  audio.Law      // what we send
	// Payload types: what we send, and what each received one is.
	sound, event uint8
	events       bool // whether the answer has events
	kinds        [128]kind

	remote  *suiteKey     // the far side's; nil for plain RTP
	decrypt *srtp.Context // by remote; the receiver's
	encrypt *srtp.Context // the sender's
}

// A kind is what a payload type is.
type kind uint8

const (
	unknown kind = iota
	pcma
	pcmu
	events
	noise
)

// Answer takes the far side's description. Errors wrap one of [ErrMalformed],
// [ErrTooLarge], [ErrRefused], [ErrCodec], [ErrInsecure], [ErrAddress]; they
// contain no secrets. A later answer replaces the one before; the same one
// again changes nothing.
func (s *Session) Answer(text []byte) error {
	if before := s.agreed.Load(); before != nil && before.text == string(text) {
		return nil
	}
	a, err := s.read(text)
	if err != nil {
		return err
	}
	s.agreed.Store(a)
	return nil
}

func (s *Session) read(text []byte) (*agreement, error) {
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("%w: %d octets", ErrTooLarge, len(text))
	}
	var d sdp.SessionDescription
	lines, n := relevant(string(text))
	if n > maxLines {
		return nil, fmt.Errorf("%w: %d lines", ErrTooLarge, n)
	}
	// The error of the parser quotes lines, and they may have keys.
	if lines == "" || d.UnmarshalString(lines) != nil {
		return nil, ErrMalformed
	}
	if len(d.MediaDescriptions) == 0 {
		return nil, fmt.Errorf("%w: it has no medium", ErrRefused)
	}
	// The answer has the media of the offer in its order: one (RFC 3264,
	// section 6).
	m := d.MediaDescriptions[0]
	if m.MediaName.Media != "audio" || m.MediaName.Port.Value == 0 {
		return nil, ErrRefused
	}
	if inactive(&d, m) {
		return nil, fmt.Errorf("%w: it is inactive", ErrRefused)
	}
	if len(m.MediaName.Formats) > maxFormats {
		return nil, fmt.Errorf("%w: %d formats", ErrTooLarge, len(m.MediaName.Formats))
	}
	a := &agreement{text: string(text)}
	if err := a.address(&d, m, s.cfg.Local); err != nil {
		return nil, err
	}
	if err := a.formats(m); err != nil {
		return nil, err
	}
	return a, s.secure(a, m)
}

// relevant leaves out the lines that nothing here depends on. Exchanges write
// some of them in ways that a strict reader refuses.
func relevant(text string) (lines string, n int) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimRight(line, "\r\n"); len(line) > 1 && line[1] == '=' && strings.ContainsRune("vosctma", rune(line[0])) {
			b.WriteString(line)
			b.WriteString("\r\n")
		}
	}
	return b.String(), n
}

// inactive reports whether the far side wants no sound either way. What the
// medium says goes before what the session says.
func inactive(d *sdp.SessionDescription, m *sdp.MediaDescription) bool {
	for _, attributes := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, at := range attributes {
			switch at.Key {
			case "inactive":
				return true
			case "sendrecv", "sendonly", "recvonly":
				return false
			}
		}
	}
	return false
}

// address reads where to send.
func (a *agreement) address(d *sdp.SessionDescription, m *sdp.MediaDescription, local netip.Addr) error {
	c := d.ConnectionInformation
	if m.ConnectionInformation != nil {
		c = m.ConnectionInformation
	}
	if c == nil || c.Address == nil {
		return fmt.Errorf("%w: it has none", ErrAddress)
	}
	// A name would be resolved by whoever controls its zone.
	ip, err := netip.ParseAddr(c.Address.Address)
	if err != nil {
		return fmt.Errorf("%w: it is not an IP address", ErrAddress)
	}
	ip = ip.Unmap()
	broadcast := ip == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	// Attack: a far side far away has us send to services of this machine.
	if ip.IsLoopback() && !local.IsLoopback() && !local.IsUnspecified() {
		return fmt.Errorf("%w: %v is this machine", ErrAddress, ip)
	}
	if ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() || broadcast {
		return fmt.Errorf("%w: nobody can be called at %v", ErrAddress, ip)
	}
	if (ip.Is4() != local.Unmap().Is4() && !local.IsUnspecified()) || (c.AddressType == "IP4") != ip.Is4() {
		return fmt.Errorf("%w: %v is of another family", ErrAddress, ip)
	}
	port := m.MediaName.Port.Value
	if port < 1 || port > 65535 {
		return fmt.Errorf("%w: port %d", ErrAddress, port)
	}
	a.to = netip.AddrPortFrom(ip, uint16(port))
	return nil
}

// formats reads the payload types. What comes may have the numbers of the
// answer or, as RFC 3264, section 6.1, has it, those of the offer.
func (a *agreement) formats(m *sdp.MediaDescription) error {
	kinds := map[string]kind{"0": pcmu, "8": pcma} // also without rtpmap (RFC 3551, section 6)
	for _, at := range m.Attributes {
		number, what, ok := strings.Cut(at.Value, " ")
		if at.Key == "rtpmap" && ok && slices.Contains(m.MediaName.Formats, number) {
			kinds[number] = kindOf(what)
		}
	}
	sound := unknown
	for _, f := range m.MediaName.Formats {
		number, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		k := kinds[f]
		a.kinds[number] = k
		switch {
		case (k == pcma || k == pcmu) && sound == unknown: // the first is preferred
			sound, a.sound = k, uint8(number)
		case k == events && !a.events:
			a.events, a.event = true, uint8(number)
		}
	}
	switch sound {
	case pcma:
		a.law = audio.ALaw
	case pcmu:
		a.law = audio.MuLaw
	default:
		return ErrCodec
	}
	offered := map[uint8]kind{typePCMA: pcma, typePCMU: pcmu, typeNoise: noise}
	if a.events {
		offered[typeEvent] = events
	}
	for number, k := range offered {
		if !slices.Contains(m.MediaName.Formats, strconv.Itoa(int(number))) {
			a.kinds[number] = k
		}
	}
	return nil
}

// kindOf reads the name of an encoding, with its rate and channels.
func kindOf(encoding string) kind {
	switch strings.TrimSuffix(strings.ToLower(strings.TrimSpace(encoding)), "/1") {
	case "pcma/8000":
		return pcma
	case "pcmu/8000":
		return pcmu
	case "telephone-event/8000":
		return events
	case "cn/8000":
		return noise
	}
	return unknown
}

// secure reads the keys, when there are to be any.
func (s *Session) secure(a *agreement, m *sdp.MediaDescription) error {
	protocol := strings.Join(m.MediaName.Protos, "/")
	line, has := m.Attribute("crypto")
	switch {
	case protocol != "RTP/AVP" && protocol != "RTP/SAVP":
		return fmt.Errorf("%w: it has %s", ErrRefused, protocol)
	case s.cfg.SRTP == SRTPRequired && protocol != "RTP/SAVP":
		return fmt.Errorf("%w: it has %s", ErrInsecure, protocol)
	case protocol == "RTP/SAVP" && len(s.local) == 0:
		return fmt.Errorf("%w: it has SRTP, which was not offered", ErrRefused)
	case !has && (s.cfg.SRTP == SRTPRequired || protocol == "RTP/SAVP"):
		return fmt.Errorf("%w: it has no crypto line", ErrInsecure)
	case !has || len(s.local) == 0:
		return nil
	}
	local, remote, err := chosen(line, s.local)
	if err != nil {
		return err
	}
	a.remote = remote
	// A context knows which packets came before: to begin again would be to take
	// them twice, or to encrypt twice with the same stream.
	if before := s.agreed.Load(); before != nil && before.remote != nil && before.remote.same(remote) {
		a.decrypt = before.decrypt
	} else if a.decrypt, err = remote.context(srtp.SRTPReplayProtection(replayWindow)); err != nil {
		return fmt.Errorf("%w: %w", ErrInsecure, err)
	}
	if a.encrypt, err = s.out.context(local); err != nil {
		return fmt.Errorf("%w: %w", ErrInsecure, err)
	}
	return nil
}
