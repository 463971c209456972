package winbind

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// maxLine and maxLines bound what a helper may say to one question.
const (
	maxLine  = 1024
	maxLines = 16
)

var (
	errUnexpected = errors.New("winbind: helper said what is no answer")
	errNoKey      = errors.New("winbind: helper said yes without a session key")
)

// A helper is one process of ntlm_auth.
type helper struct {
	cmd *exec.Cmd
	in  *os.File // what it reads
	out *os.File // what it writes
	r   *bufio.Reader
	// asked is whether it has answered before: one that has may have ended
	// since, which says nothing about the next question.
	asked bool
}

// start runs the program. Its messages go nowhere: they may repeat names.
func start(argv []string) (h *helper, err error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, childIn.Close(), in.Close())
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the configuration's words; it outlives the question that it is started for
	cmd.Stdin, cmd.Stdout = childIn, childOut
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	err = cmd.Start()
	_, _ = childIn.Close(), childOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	return &helper{cmd: cmd, in: in, out: out, r: bufio.NewReaderSize(out, maxLine)}, nil
}

// end ends the process and waits for it.
func (h *helper) end() {
	_ = h.in.Close()
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	_ = h.out.Close()
}

// A question is what a helper is asked: whether a proof is right, or to change
// a password.
type question interface{ write() []byte }

type proof struct {
	user      string
	challenge [8]byte
	response  [24]byte
}

func (q proof) write() []byte {
	return fmt.Appendf(nil, "Username:: %s\nLANMAN-Challenge: %x\nNT-Response: %x\nRequest-User-Session-Key: Yes\n.\n",
		base64.StdEncoding.EncodeToString([]byte(q.user)), q.challenge, q.response)
}

// An answer is what a helper said.
type answer struct {
	yes   bool
	keyed bool
	key   [16]byte
	why   string // of a no
}

// ask puts a question and waits for the answer. After an error the helper must
// not be asked again.
func (h *helper) ask(q question, deadline time.Time) (answer, error) {
	if err := errors.Join(h.in.SetWriteDeadline(deadline), h.out.SetReadDeadline(deadline)); err != nil {
		return answer{}, err
	}
	if !h.quiet() {
		return answer{}, errUnexpected
	}
	if _, err := h.in.Write(q.write()); err != nil {
		return answer{}, fmt.Errorf("ask helper: %w", err)
	}
	a, err := readAnswer(h.r)
	if err == nil {
		h.asked = true
	}
	return a, err
}

// quiet reports whether nothing but the second dot of the last answer is there
// to be read: all else would be taken for the next one's.
func (h *helper) quiet() bool {
	waiting, err := h.r.Peek(h.r.Buffered())
	return err == nil && strings.Trim(string(waiting), ".\r\n") == ""
}

// readAnswer reads one answer. A dot in front of it is the end of the one
// before: ntlm_auth writes two behind a no.
func readAnswer(r *bufio.Reader) (a answer, err error) {
	var decided, keyed bool
	for lines := 0; ; lines++ {
		raw, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return answer{}, io.ErrUnexpectedEOF
		case err != nil:
			return answer{}, fmt.Errorf("read helper's answer: %w", err)
		case lines == maxLines:
			return answer{}, errUnexpected
		}
		line := strings.TrimRight(string(raw), "\r\n")
		if line == "." {
			if lines == 0 {
				continue
			}
			break
		}
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Authenticated", "Password-Change":
			if decided || value != "Yes" && value != "No" {
				return answer{}, errUnexpected
			}
			decided, a.yes = true, value == "Yes"
		case "User-Session-Key":
			n, err := hex.Decode(a.key[:], []byte(value[:min(len(value), 2*len(a.key))]))
			if err != nil || keyed || n != len(a.key) || len(value) != 2*len(a.key) {
				return answer{}, errUnexpected
			}
			keyed = true
		case "Authentication-Error", "Password-Change-Error":
			a.why = value
		case "Error":
			return answer{}, fmt.Errorf("helper: %q", value)
		default: // other keys and what is behind a line break of an error text
		}
	}
	if !decided {
		return answer{}, errUnexpected
	}
	a.keyed = keyed
	return a, nil
}
