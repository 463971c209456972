package login

// appendPart appends a text of a record behind its length, which must fit an
// octet: who encodes has bounded it.
func appendPart[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(append(b, byte(len(text))), text...) //nolint:gosec // see above
}

// cutPart takes the first text off; ok is false when it is not whole.
func cutPart(b []byte) (text, rest []byte, ok bool) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	end := 1 + int(b[0])
	return b[1:end], b[end:], true
}
