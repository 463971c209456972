package audio

import (
	"bytes"
	"encoding/binary"
	"os/exec"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// The ways sox is told of sound without a header.
var (
	soxPCM   = []string{"-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L"}
	soxALaw  = []string{"-t", "raw", "-r", "8000", "-c", "1", "-e", "a-law", "-b", "8"}
	soxMuLaw = []string{"-t", "raw", "-r", "8000", "-c", "1", "-e", "mu-law", "-b", "8"}
)

// sox converts without dither, so that equal means equal.
func sox(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	peer.Need(t, "sox")
	cmd := exec.Command("sox", append([]string{"-D", "-V1", "-R"}, args...)...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sox %q: %v\n%s", args, err, &errs)
	}
	return out
}

func args(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var stdin = []string{"-"}

func bytesOf(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, x := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

func samplesOf(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}
