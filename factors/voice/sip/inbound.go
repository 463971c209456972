package sip

import (
	"strings"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// answerRequests sets what the exchange is told when it asks something of us.
// Everything is refused but what ends a call of ours or is a key in one.
func (e *endpoint) answerRequests(s *sipgo.Server) {
	s.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusOK, "OK") // it asks whether we are there
	})
	s.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
		if e.calls.find(req) != nil {
			// Session timers and moved sound: the call is too short for them.
			reply(req, tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
			return
		}
		reply(req, tx, sip.StatusForbidden, "Forbidden") // nobody calls us
	})
	s.OnUpdate(e.inCall(func(_ *call, req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
	}))
	s.OnBye(e.inCall(func(c *call, req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusOK, "OK")
		c.hungUp()
	}))
	s.OnInfo(e.inCall(func(c *call, req *sip.Request, tx sip.ServerTransaction) { c.info(req, tx) }))
	s.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	s.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
	})
	s.OnNoRoute(func(req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
	})
}

// inCall lets a request through that belongs to a call and is not an old one.
func (e *endpoint) inCall(handle func(*call, *sip.Request, sip.ServerTransaction)) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		c := e.calls.find(req)
		switch {
		case c == nil:
			reply(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		case !c.inOrder(req.CSeq().SeqNo):
			reply(req, tx, sip.StatusInternalServerError, "Server Internal Error")
		default:
			handle(c, req, tx)
		}
	}
}

func reply(req *sip.Request, tx sip.ServerTransaction, status int, reason string) {
	res := sip.NewResponseFromRequest(req, status, reason, nil)
	res.AppendHeader(sip.NewHeader("Allow", allowed))
	_ = tx.Respond(res)
}

// info takes a key that the exchange sends as a message.
func (c *call) info(req *sip.Request, tx sip.ServerTransaction) {
	kind := ""
	if h := req.ContentType(); h != nil {
		kind, _, _ = strings.Cut(strings.ToLower(h.Value()), ";")
	}
	switch strings.TrimSpace(kind) {
	case "application/dtmf-relay", "application/dtmf":
		reply(req, tx, sip.StatusOK, "OK")
	case "":
		reply(req, tx, sip.StatusOK, "OK") // a sign of life
		return
	default:
		reply(req, tx, sip.StatusUnsupportedMediaType, "Unsupported Media Type")
		return
	}
	if key, ok := infoKey(string(req.Body())); ok {
		select {
		case c.keys <- key:
		default: // nobody presses that many
		}
	}
}

// infoKey reads a key of "Signal=5", as dtmf-relay has it among other lines, or
// of "5" alone. 10 and 11 are how some write * and #.
func infoKey(body string) (key byte, ok bool) {
	signal := strings.TrimSpace(body)
	for line := range strings.Lines(body) {
		name, value, found := strings.Cut(line, "=")
		if found && strings.EqualFold(strings.TrimSpace(name), "signal") {
			signal = strings.TrimSpace(value)
			break
		}
	}
	switch signal {
	case "10":
		return '*', true
	case "11":
		return '#', true
	}
	if len(signal) != 1 || !strings.Contains("0123456789*#", signal) {
		return 0, false
	}
	return signal[0], true
}
