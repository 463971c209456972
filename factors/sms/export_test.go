package sms

import "github.com/portvakt/portvakt/login"

// TestWords are the texts of the tests, for those outside of the package.
type TestWords = words

// NewTestRecords makes empty records in memory.
func NewTestRecords() login.Records { return new(records) }
