// Package phone turns what a directory or a person wrote into telephone
// numbers that can be called or sent to, and keeps them out of logs.
//
// [Parse] is the one way to make a [Number]. It reads the free text that
// directories hold ("+47 (0) 412 34 567", "0047 41234567 (privat)",
// "tel:+47-22-85-50-50;ext=77"), and refuses what is no number, what could be
// two numbers, and what costs more than a call or a message to a person:
// premium and shared-cost numbers, and those that belong to no country, as
// satellite numbers. Whether a country is allowed is asked of [Countries].
//
// A Number prints masked however it is printed; [Number.E164] and the other
// formats are for whoever sends or dials. It knows nothing of who has the
// number, whether it was proven, or how often it was used.
package phone
