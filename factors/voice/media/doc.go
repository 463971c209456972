// Package media is the sound and the keys of one telephone call: an RTP session
// (RFC 3550), and its description in the SDP offer and answer (RFC 3264) that a
// signalling protocol carries.
//
//	s, err := media.Open(cfg)  // a port
//	send(s.Offer())            // what we can do, and where
//	err = s.Answer(received)   // what was agreed
//	s.Start()                  // silence, so that the far side knows where we are
//	s.Play(prompt)
//	key := <-s.Keys()
//	s.Close()
//
// Sound is G.711 in packets of 20 ms. Keys are taken from telephone events (RFC
// 4733) when the answer has them, otherwise from the sound. Never from both: an
// exchange that sends events often lets the beginning of the tone through as
// well, and one press would be two. So a recording that contains tones cannot
// press keys either where events were agreed.
//
// Attack: forged packets. Without SRTP only the address of the answer is heard,
// and of its ports only one; who can forge that address, or sits in the path,
// can press keys. Use SRTP (RFC 3711, keys by RFC 4568 in SDP) over TLS
// signalling where the path is not the organisation's own.
//
// The far side must be reachable at the address in its answer, as an exchange
// or session border controller is. Its port may differ (symmetric RTP): packets
// go to the port that they come from.
//
// RTCP is neither sent nor received: nothing here would act on it. The port
// above the RTP port is kept free by convention only and not bound; no report
// and no BYE is sent, since the signalling ends the call; RTCP that comes to the
// RTP port is dropped. There is no a=rtcp-mux, no ICE, no DTLS-SRTP, no jitter
// buffer (nothing is played to a person here) and no comfort noise.
package media
