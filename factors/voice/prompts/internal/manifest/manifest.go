package manifest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Manifest says how the clips of a language were made.
type Manifest struct {
	Voice   string
	Remark  string // why it is not a voice of the language
	Program string // with its version
	Options string
	Clips   map[string]Sums
}

// Sums are of a clip's text and of its file.
type Sums struct{ Text, File string }

// Of computes them of a text and a file.
func Of(text string, file []byte) Sums {
	t, f := sha256.Sum256([]byte(text)), sha256.Sum256(file)
	return Sums{hex.EncodeToString(t[:8]), hex.EncodeToString(f[:8])}
}

// Bytes is the file.
func (m *Manifest) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# written by \"make prompts\": voice, program, options;\n# then each clip with the SHA-256 (8 octets) of its text and of its file\n")
	fmt.Fprintf(&b, "voice %s\nremark %s\nprogram %s\noptions %s\n", m.Voice, cmp.Or(m.Remark, "none"), m.Program, m.Options)
	for _, name := range slices.Sorted(maps.Keys(m.Clips)) {
		fmt.Fprintf(&b, "clip %s %s %s\n", name, m.Clips[name].Text, m.Clips[name].File)
	}
	return b.Bytes()
}

// Parse reads the file.
func Parse(b []byte) (Manifest, error) {
	m := Manifest{Clips: map[string]Sums{}}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		switch key {
		case "#":
		case "voice":
			m.Voice = value
		case "remark":
			m.Remark = value
		case "program":
			m.Program = value
		case "options":
			m.Options = value
		case "clip":
			fields := strings.Fields(value)
			if len(fields) != 3 {
				return m, fmt.Errorf("%q is no clip with two sums", value)
			}
			m.Clips[fields[0]] = Sums{fields[1], fields[2]}
		default:
			return m, fmt.Errorf("%q is not known", key)
		}
	}
	return m, lines.Err()
}
