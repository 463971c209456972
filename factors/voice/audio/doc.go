// Package audio is the sound of telephone calls: 8000 samples a second, mono,
// as int16.
//
// A [Law] turns samples into the octets of G.711 and back. [Tone] and [Press]
// make sounds, and a [Detector] finds the keys that a person presses in the
// sound of the call, where the exchange does not send them as events of their
// own. Recordings are package prompts'.
//
// Levels are in dBm0: 0 dBm0 is what G.711 calls the digital milliwatt, and the
// loudest tone is +3.14 dBm0.
//
// It knows no other rate, no stereo and no other codec, and resamples nothing.
package audio
