package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRounds bounds the questions of one walk, against a server that never
// decides.
const maxRounds = 20

// fullPart is the length from which a Reply-Message may have been split: a
// text is cut at a character, which has up to 4 octets.
const fullPart = maxValue - 3

// ErrTooManyRounds means that the server kept asking.
var ErrTooManyRounds = errors.New("client: the server asked too many questions")

// A Result is how a walk ended.
type Result struct {
	// Accepted is whether the person was let in.
	Accepted bool
	// Reply is the last reply, an Access-Accept or Access-Reject.
	Reply Reply
	// Rounds is how many questions were answered.
	Rounds int
}

// An Answer asks the person in front of the client. What she types may be
// shown when echo is true.
type Answer func(ctx context.Context, prompt string, echo bool) (string, error)

// Walk goes through a whole sign-in: it sends the password, puts each question
// to answer, and ends with the decision. An error means that there was none.
func (c *Client) Walk(ctx context.Context, user, password string, answer Answer) (Result, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return Result{}, err
	}
	defer conn.close()

	request := Request{User: user, Password: password}
	for round := range maxRounds + 1 {
		reply, err := conn.exchange(ctx, request)
		if err != nil {
			return Result{}, err
		}
		if reply.Code == AccessAccept || reply.Code == AccessReject {
			return Result{Accepted: reply.Code == AccessAccept, Reply: reply, Rounds: round}, nil
		}
		if reply.Code != AccessChallenge {
			return Result{}, fmt.Errorf("%s answered an Access-Request with %v", c.Server, reply.Code)
		}
		if round == maxRounds {
			break
		}
		typed, err := answer(ctx, reply.Message(), reply.Echo())
		if err != nil {
			return Result{}, fmt.Errorf("answer question %d: %w", round+1, err)
		}
		request = Request{User: user, Password: typed, State: reply.State()}
	}
	return Result{}, fmt.Errorf("%s: %w", c.Server, ErrTooManyRounds)
}

// values returns the values of a standard attribute in order.
func (r Reply) values(kind byte) [][]byte {
	var values [][]byte
	for avps := r.Attributes; len(avps) >= 2 && avps[1] >= 2 && int(avps[1]) <= len(avps); avps = avps[avps[1]:] {
		if avps[0] == kind {
			values = append(values, avps[2:avps[1]])
		}
	}
	return values
}

// State returns the State to send back, nil for none.
func (r Reply) State() []byte {
	if states := r.values(typeState); len(states) > 0 {
		return states[0]
	}
	return nil
}

// Message returns the Reply-Messages as one text. Parts that a server had to
// split (RFC 2865, section 5.18) become one line again. Control characters are
// replaced, so that a server cannot write to a terminal what it likes.
func (r Reply) Message() string {
	var text strings.Builder
	split := true
	for _, part := range r.values(typeReplyMessage) {
		if !split {
			text.WriteByte('\n')
		}
		text.Write(part)
		split = len(part) >= fullPart
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text.String(), string(utf8.RuneError)))
}

// Echo reports whether the answer may be shown (RFC 2869, section 5.10).
func (r Reply) Echo() bool {
	prompts := r.values(typePrompt)
	return len(prompts) > 0 && len(prompts[0]) == 4 && prompts[0][3] == 1
}
