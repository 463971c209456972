// Package cloudtest has fakes of the services that package cloud calls
// through: [FakeTwilio] and [FakeTelnyx]. They are ours, written from what the
// services document: a test with them shows that we keep to that, not that the
// services do.
//
// The fakes refuse what is not documented, and fail the test. FakeTwilio runs
// the documents it is given as a telephone would hear them, and signs what it
// posts with an implementation of its own.
package cloudtest
