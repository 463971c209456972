package totp

import (
	"bytes"
	"fmt"
	"image/color"
	"io"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the light margin in modules (ISO/IEC 18004, section 9.1).
const quiet = 4

// QRTerminal draws text as a QR code for a terminal, two modules a character.
// Its colours are set, so that it is dark on light whatever the terminal's are.
func QRTerminal(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return fmt.Errorf("QR code of %d octets does not fit", len(text)) // the cause may quote the text
	}
	size := code.Bounds().Dx()
	light := func(x, y int) bool {
		return x < 0 || y < 0 || x >= size || y >= size || code.At(x, y) != color.Black
	}
	var b bytes.Buffer
	for y := -quiet; y < size+quiet; y += 2 {
		b.WriteString("\x1b[97;40m") // white on black: blocks are light
		for x := -quiet; x < size+quiet; x++ {
			b.WriteString(blocks[light(x, y)][light(x, y+1)])
		}
		b.WriteString("\x1b[0m\n")
	}
	_, err = w.Write(b.Bytes())
	return err
}

// blocks has the character for an upper and a lower module, by whether each is
// light.
var blocks = map[bool]map[bool]string{
	true:  {true: "█", false: "▀"},
	false: {true: "▄", false: " "},
}
