package login_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// withCalls gives a world's people a telephone, asked before everything else.
func withCalls(w *logintest.World, answers ...logintest.Answer) *logintest.Approver {
	calls := &logintest.Approver{
		FactorName: "call", Hints: []string{"••42", "••17"}, Answers: answers, NoAnswer: 30 * time.Second,
		For: func(id string) bool { return id == "id-alice" },
	}
	c := w.Config
	c.Factors = append([]login.Factor{calls}, c.Factors...)
	c.FraudLock = time.Hour
	w.Flow = w.NewFlow(c)
	return calls
}

const (
	choices   = `1 to be called again, 2 for a call to ••17, 3 for the app, 4 for SMS to ••42, 5 for SMS to ••17:"`
	stillCall = `ask "Still calling ••42. Press Enter when done, or type ` + choices
	stillTwo  = `ask "Still calling ••17. Press Enter when done, or type 1 for a call to ••42, 2 to be called again, 3 for the app, 4 for SMS to ••42, 5 for SMS to ••17:"`
	nobody    = `ask "Nobody answered. Enter the code from your authenticator app, or type 1 for a call to ••42, 2 for a call to ••17, 4 for SMS to ••42, 5 for SMS to ••17:"`
)

var (
	errBusy = errors.New("busy")
	yes     = logintest.Answer{After: 5 * time.Second}
	late    = logintest.Answer{After: 40 * time.Second}
	busy    = logintest.Answer{After: time.Second, Err: errBusy}
	hangUp  = logintest.Answer{After: 5 * time.Second, Err: login.ErrDenied}
	report  = logintest.Answer{After: 5 * time.Second, Err: login.ErrFraud}
)

func TestApprovals(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []logintest.Answer
		mute    bool
		line    string
		calls   string // hints rung, in order
	}{
		{"the primary telephone rings right after the password", []logintest.Answer{yes}, false, "secret => accept", "••42"},
		{"also where nothing can be asked", []logintest.Answer{yes}, true, "secret => accept", "••42"},
		{"a wrong password rings nobody", nil, false, "guess => reject bad_password", ""},
		{"a hang-up is a no", []logintest.Answer{hangUp}, false, "secret => reject denied_by_person", "••42"},
		{"the fraud key blocks the password", []logintest.Answer{report}, false, "secret => reject fraud_reported > secret => reject blocked_by_fraud_report > wait 61m > secret => " + stillCall, "••42 ••42"},
		{"busy leads to the other telephone", []logintest.Answer{busy, yes}, false, "secret => accept", "••42 ••17"},
		{"and that to the app's code", []logintest.Answer{busy, busy}, false, "secret => " + nobody + " > 111111 => accept", "••42 ••17"},
		{"which a mute client cannot be asked for", []logintest.Answer{busy, busy}, true, "secret => reject not_answered", "••42 ••17"},
		{"when the client's patience ends a question is put", []logintest.Answer{late}, false, "secret => " + stillCall + " >  => accept", "••42"},
		{"and again", []logintest.Answer{{After: 70 * time.Second}}, false, "secret => " + stillCall + " >  => " + stillCall + " >  => accept", "••42"},
		{"what is typed to go on does not matter", []logintest.Answer{late}, false, "secret => " + stillCall + " > ok => accept", "••42"},
		{"an answer after the end of the call", []logintest.Answer{late}, false, "secret => " + stillCall + " > wait 30s >  => accept", "••42"},
		{"but not much later", []logintest.Answer{late}, false, "secret => " + stillCall + " > wait 3m >  => " + nobody, "••42"},
		{"an approval is good once", []logintest.Answer{late}, false, "secret => " + stillCall + " > wait 30s >  => accept > secret => " + stillCall, "••42 ••42"},
		{"also one that came while the client waited", []logintest.Answer{yes, late}, false, "secret => accept > wait 4s > secret => " + stillCall, "••42 ••42"},
		{"a code leaves no approval over", []logintest.Answer{late}, false, "secret => " + stillCall + " > wait 30s > 111111 => accept > secret => " + stillCall, "••42 ••42"},
		{"a code may be typed while it rings", []logintest.Answer{late}, false, "secret => " + stillCall + " > 111111 => accept", "••42 stopped"},
		{"a wrong one is counted", []logintest.Answer{late}, false, "secret => " + stillCall + " > 999999 => " + strings.Replace(stillCall, `ask "`, `ask "Wrong code, try again. `, 1) + " >  => accept", "••42"},
		{"another telephone", []logintest.Answer{late, yes}, false, "secret => " + stillCall + " > 2 => accept", "••42 ••17 stopped"},
		{"an SMS instead", []logintest.Answer{late}, false, "secret => " + stillCall + ` > 4 => ask "Enter the code sent to ••42, or type 1 for a call to ••42, 2 for a call to ••17, 3 for the app, 4 to send it again, 5 for SMS to ••17:" > 500001 => accept`, "••42 stopped"},
		{"a hang-up after the question is a no", []logintest.Answer{{After: 30 * time.Second, Err: login.ErrDenied}}, false, "secret => " + stillCall + " >  => reject denied_by_person", "••42"},
		{"the second telephone while the person waits", []logintest.Answer{{After: 20 * time.Second, Err: errBusy}, late}, false, "secret => " + stillTwo + " >  => " + stillTwo + " >  => accept", "••42 ••17"},
		{"a mute client's patience ends in a no", []logintest.Answer{late}, true, "secret => reject not_answered_in_time", "••42"},
		{"and the approval that comes late lets the next try in", []logintest.Answer{late}, true, "secret => reject not_answered_in_time > wait 20s > secret => accept", "••42"},
		{"a next try while it still rings joins", []logintest.Answer{late}, true, "secret => reject not_answered_in_time > secret => accept", "••42"},
		{"a minute is too late", []logintest.Answer{late}, true, "secret => reject not_answered_in_time > wait 76s > secret => reject not_answered_in_time", "••42 ••42"},
		{"a device that tries again after a no rings nobody", []logintest.Answer{hangUp}, false, "secret => reject denied_by_person > wait 5s > secret => reject denied_by_person", "••42"},
		{"a while later it may", []logintest.Answer{hangUp, yes}, false, "secret => reject denied_by_person > wait 16s > secret => accept", "••42 ••42"},
		{"typed behind the password: the second telephone", []logintest.Answer{yes}, true, "secret,call2 => accept", "••17"},
		{"one letter", []logintest.Answer{yes}, true, "secret,C2 => accept", "••17"},
		{"one that is not there", nil, true, "secret,call3 => reject method_not_allowed", ""},
		{"a message, and its code behind the password", nil, true, "secret,sms2 => reject code_sent > secret,500001 => accept > secret,500001 => reject wrong_code", ""},
		{"the message's code is good once only", nil, true, "secret,s => reject code_sent > secret,111111 => accept > secret,500001 => accept > secret,500001 => reject wrong_code", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				calls := withCalls(w, c.answers...)
				via := login.Via{Client: "vpn", CanAsk: !c.mute, Station: "10.0.0.7", Patience: 25 * time.Second}
				if c.mute {
					via.Append = login.AppendComma
				}
				p := &player{t: t, w: w, user: "alice", via: via}
				p.play(c.line)
				var rung []string
				for _, r := range calls.Rung() {
					rung = append(rung, r.Method.Hint)
				}
				if calls.Stopped() > 0 {
					rung = append(rung, "stopped")
				}
				if got := strings.Join(rung, " "); got != c.calls {
					t.Errorf("rang %q, want %q", got, c.calls)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
