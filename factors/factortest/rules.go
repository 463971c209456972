package factortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	// crowd is how many answers arrive at once in the test of a race.
	crowd = 50
	// crowdDelay makes the store so slow that all have read before one writes.
	crowdDelay = 5 * time.Millisecond
)

// maxMethodID is the room of a method in a ticket.
const maxMethodID = 40

var errFault = errors.New("storage fault")

var rules = []rule{
	{"a right answer proves once and never again, also after a restart", provesOnce},
	{"of many equal answers at once exactly one proves", oneOfMany},
	{"an answer that cannot be looked up is not decided", needsGet},
	{"an answer that cannot be recorded is not decided and not spent", needsSwap},
	{"an answer whose record is uncertain never proves", needsCertainty},
	{"an answer after the caller has left is not decided", needsContext},
	{"a wrong answer is refused and loses nothing", wrongLosesNothing},
	{"an empty answer is wrong", emptyIsWrong},
	{"a proof of the text serves as the text does", proofServes},
	{"methods and memo fit into a ticket", fits},
	{"the enrollment is not changed", enrollmentUntouched},
}

func provesOnce(ctx context.Context, tr *trial) error {
	answer := tr.Answer(tr.method)
	if err := tr.text(ctx, answer); err != nil {
		return fmt.Errorf("the right answer: %w", err)
	}
	if err := refused(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("the same answer again: %w", err)
	}
	if err := tr.start(); err != nil {
		return err
	}
	if err := refused(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("the same answer after a restart: %w", err)
	}
	return nil
}

func oneOfMany(ctx context.Context, tr *trial) error {
	answer := tr.Answer(tr.method)
	tr.records.Delay = crowdDelay
	var (
		wg   sync.WaitGroup
		errs [crowd]error
	)
	for i := range errs {
		wg.Go(func() { errs[i] = tr.text(ctx, answer) })
	}
	wg.Wait()
	proven := 0
	for _, err := range errs {
		if err == nil {
			proven++
		} else if err := refused(err); err != nil {
			return fmt.Errorf("one of %d equal answers: %w", crowd, err)
		}
	}
	if proven != 1 {
		return fmt.Errorf("%d of %d equal answers proved, want 1", proven, crowd)
	}
	return nil
}

func needsGet(ctx context.Context, tr *trial) error {
	tr.records.Fail = errFault
	answer := tr.Answer(tr.method)
	if err := undecided(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("with a store that fails: %w", err)
	}
	tr.records.Fail = nil
	if err := tr.text(ctx, answer); err != nil {
		return fmt.Errorf("the right answer when the store is back: %w", err)
	}
	return nil
}

func needsSwap(ctx context.Context, tr *trial) error {
	tr.records.FailSwap = errFault
	answer := tr.Answer(tr.method)
	if err := undecided(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("with a store that cannot write: %w", err)
	}
	tr.records.FailSwap = nil
	if err := tr.text(ctx, answer); err != nil {
		return fmt.Errorf("the right answer when the store is back: %w", err)
	}
	return nil
}

func needsCertainty(ctx context.Context, tr *trial) error {
	tr.records.LoseReply = errFault
	answer := tr.Answer(tr.method)
	if err := undecided(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("with a store that wrote and said it failed: %w", err)
	}
	tr.records.LoseReply = nil
	if err := refused(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("the answer that was recorded: %w", err)
	}
	return nil
}

func needsContext(ctx context.Context, tr *trial) error {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := undecided(tr.text(gone, tr.Answer(tr.method))); err != nil {
		return fmt.Errorf("with a cancelled context: %w", err)
	}
	return nil
}

func wrongLosesNothing(ctx context.Context, tr *trial) error {
	if err := wrong(tr.text(ctx, tr.Wrong)); err != nil {
		return fmt.Errorf("a wrong answer: %w", err)
	}
	answer := tr.Answer(tr.method)
	if err := tr.text(ctx, answer); err != nil {
		return fmt.Errorf("the right answer after a wrong one: %w", err)
	}
	if err := refused(tr.text(ctx, tr.Wrong)); err != nil {
		return fmt.Errorf("a wrong answer after the right one: %w", err)
	}
	if err := refused(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("the used answer after a wrong one: %w", err)
	}
	return nil
}

func emptyIsWrong(ctx context.Context, tr *trial) error {
	for _, answer := range []string{"", " ", "-", "   \t", "\x00", strings.Repeat("0", 4096)} {
		if err := wrong(tr.text(ctx, answer)); err != nil {
			return fmt.Errorf("the answer %.6q (%d octets): %w", answer, len(answer), err)
		}
	}
	return nil
}

func proofServes(ctx context.Context, tr *trial) error {
	answer := tr.Answer(tr.method)
	if tr.NeedsText {
		err := tr.try(ctx, Proof(answer))
		if got := login.Refused(err); got != login.ReasonMethodNotAllowed {
			return fmt.Errorf("a proof: got %w, want a refusal with %s", orNil(err), login.ReasonMethodNotAllowed)
		}
		return nil
	}
	if err := wrong(tr.try(ctx, Proof(tr.Wrong))); err != nil {
		return fmt.Errorf("a proof of a wrong answer: %w", err)
	}
	if err := tr.try(ctx, Proof(answer)); err != nil {
		return fmt.Errorf("a proof of the right answer: %w", err)
	}
	if err := refused(tr.text(ctx, answer)); err != nil {
		return fmt.Errorf("the text of the proof that was used: %w", err)
	}
	return nil
}

func fits(_ context.Context, tr *trial) error {
	if len(tr.memo) > login.MaxMemo {
		return fmt.Errorf("the memo has %d octets, the limit is %d", len(tr.memo), login.MaxMemo)
	}
	if n := len(tr.factor.Methods(login.User{})); n != 0 {
		return fmt.Errorf("%d methods for a user who has enrolled nothing", n)
	}
	name, seen := tr.factor.Name(), make(map[string]bool)
	for _, m := range tr.factor.Methods(tr.User) {
		switch {
		case m.Factor != name:
			return fmt.Errorf("method %q is of factor %q, want %q", m.ID, m.Factor, name)
		case len(m.ID) > maxMethodID:
			return fmt.Errorf("method %q has %d octets, the limit is %d", m.ID, len(m.ID), maxMethodID)
		case m.ID != name && !strings.HasPrefix(m.ID, name+"/"):
			return fmt.Errorf("method %q does not begin with %q", m.ID, name+"/")
		case seen[m.ID]:
			return fmt.Errorf("two methods %q", m.ID)
		}
		seen[m.ID] = true
	}
	return nil
}

func enrollmentUntouched(ctx context.Context, tr *trial) error {
	before, err := json.Marshal(tr.User)
	if err != nil {
		return err
	}
	if err := tr.text(ctx, tr.Answer(tr.method)); err != nil {
		return fmt.Errorf("the right answer: %w", err)
	}
	after, err := json.Marshal(tr.User)
	if err != nil {
		return err
	}
	if string(after) != string(before) {
		return errors.New("the user was changed; what Enrollments returns is shared")
	}
	return nil
}

// refused returns nil if err is a decided no to the answer.
func refused(err error) error {
	if reason := login.Refused(err); reason == login.ReasonWrongCode || reason == login.ReasonUsedCode {
		return nil
	}
	return fmt.Errorf("got %w, want a refusal as wrong or used", orNil(err))
}

func wrong(err error) error {
	if login.Refused(err) == login.ReasonWrongCode {
		return nil
	}
	return fmt.Errorf("got %w, want a refusal with %s", orNil(err), login.ReasonWrongCode)
}

// undecided returns nil if err says that nothing could be decided.
func undecided(err error) error {
	if err != nil && login.Refused(err) == "" {
		return nil
	}
	return fmt.Errorf("got %w, want an error that is no refusal", orNil(err))
}

var errProven = errors.New("nil (proven)")

func orNil(err error) error {
	if err == nil {
		return errProven
	}
	return err
}
