package media

import (
	"net/netip"
	"strconv"

	"github.com/pion/sdp/v3"
)

// Payload types: two of RFC 3551, section 6, and ours for events.
const (
	typePCMU  = 0
	typePCMA  = 8
	typeNoise = 13 // comfort noise (RFC 3389): taken as silence
	typeEvent = 101
)

// Offer describes the session (RFC 8866) as an offer (RFC 3264). With SRTP it
// has secrets. Without, whoever is called may use a session as well: what
// Answer has taken is the far side's offer then, and this the answer to it.
func (s *Session) Offer() []byte {
	at := s.cfg.announced()
	protocol := "AVP"
	if s.cfg.SRTP == SRTPRequired {
		protocol = "SAVP"
	}
	attributes := []sdp.Attribute{
		sdp.NewAttribute("rtpmap", "8 PCMA/8000"),
		sdp.NewAttribute("rtpmap", "0 PCMU/8000"),
		sdp.NewAttribute("rtpmap", "101 telephone-event/8000"),
		sdp.NewAttribute("fmtp", "101 0-15"),
		sdp.NewAttribute("ptime", "20"),
		sdp.NewPropertyAttribute("sendrecv"),
	}
	for i := range s.local {
		attributes = append(attributes, sdp.NewAttribute("crypto", s.local[i].line()))
	}
	d := sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: s.id, SessionVersion: 1,
			NetworkType: "IN", AddressType: family(at), UnicastAddress: at.String(),
		},
		SessionName: "-",
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: family(at), Address: &sdp.Address{Address: at.String()},
		},
		TimeDescriptions: []sdp.TimeDescription{{}},
		MediaDescriptions: []*sdp.MediaDescription{{
			MediaName: sdp.MediaName{
				Media: "audio", Port: sdp.RangedPort{Value: s.port}, Protos: []string{"RTP", protocol},
				Formats: []string{strconv.Itoa(typePCMA), strconv.Itoa(typePCMU), strconv.Itoa(typeEvent)},
			},
			Attributes: attributes,
		}},
	}
	text, err := d.Marshal()
	if err != nil {
		panic(err) // there is nothing in it that can be wrong
	}
	return text
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IP4"
	}
	return "IP6"
}
