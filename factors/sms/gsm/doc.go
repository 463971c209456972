// Package gsm knows how much text fits into a text message, and makes texts
// fit. Most gateways take UTF-8 and do the coding; [Split] and [Encode] are for
// protocols that carry the alphabet itself. It does no sending.
//
// A message is one part of 160 characters of the GSM 7-bit alphabet, or of 70
// when a single character is not in it (3GPP TS 23.038, section 6.2). Longer
// texts become several parts, each paid for and each with less room.
package gsm
