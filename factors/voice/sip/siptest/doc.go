// Package siptest has a telephone to call: for demonstrations and tests, no
// product telephone.
//
// A [Telephone] is a SIP user agent (RFC 3261) on a loopback port of its own. A
// provider of kind "sip" reaches it as its exchange. It rings, is answered, hears
// what is said as RTP, presses keys as telephone events (RFC 4733), and hangs up:
//
//	phone, err := siptest.Start(ctx)
//	for e := range phone.Events() {
//		switch e.Kind {
//		case siptest.Ringing:
//			phone.Answer()
//		case siptest.Heard:
//			phone.Press(ctx, "#")
//		}
//	}
//
// It takes one call at a time, for whatever number; further ones are busy. It
// does not register, answers nobody on another machine, and knows no proxies,
// no TLS, no SRTP and no offer of more than sound in both directions.
package siptest
