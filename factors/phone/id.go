package phone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// idLength is the length of an ID in base32 digits of five bits each: 50 bits
// tell the few numbers of one account apart, and those of a country well
// enough to count by.
const idLength = 10

// ID returns a short stable name of the line that does not show the number:
// ten characters of a-z and 2-7. Numbers have so little entropy that a plain
// hash could be turned back by trying them all; hence the key.
func (n Number) ID(key []byte) string { return hidden(key, n.E164()) }

// TelephoneID is ID for one telephone of a line: an extension has one of its
// own.
func (n Number) TelephoneID(key []byte) string {
	if n.extension == "" {
		return n.ID(key)
	}
	return hidden(key, n.E164()+";ext="+n.extension)
}

func hidden(key []byte, what string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("phone id\x00" + what))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:idLength])
}
