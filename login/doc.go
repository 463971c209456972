// Package login is the heart of Portvakt: the conversation between somebody who
// types and a Flow that decides.
//
// A transport (RADIUS, a terminal) carries the conversation and knows no
// factor; a factor (TOTP, SMS, recovery code) proves one thing and knows no
// transport; both know only this package. The Flow owns every transition.
//
// An error means "could not decide"; a [Reject] means "decided: no".
package login
