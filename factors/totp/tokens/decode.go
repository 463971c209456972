package tokens

import (
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Decode reads a file as UTF-8, when it is of UTF-16 and says so by a byte order
// mark, as several programs on Windows write it. Others are read as they are: an
// encoding that is not told is not guessed.
func Decode(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.BOMOverride(transform.Nop))
}
