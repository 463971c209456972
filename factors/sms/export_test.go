package sms

// TestWords are the texts of the tests, for those outside of the package.
type TestWords = words
