package login

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxOffered keeps a choice one digit, so that it is never taken for a code.
const maxOffered = 9

// methods are the ways this user can prove a second factor under a decision:
// first the one she prefers, then in the order of the rule.
func (f *Flow) methods(u User, d Decision) []Method {
	var ms []Method
	add := func(p Factor) {
		if more := confirmed(p, u, d); len(ms) == 0 {
			ms = more
		} else {
			ms = append(ms, more...)
		}
	}
	if len(d.Factors) == 0 {
		for _, p := range f.Factors {
			add(p)
		}
	} else {
		for _, name := range d.Factors {
			if p := f.factor(name); p != nil {
				add(p)
			}
		}
		// Codes for when nothing else is at hand are good under every rule that
		// asks for a second factor: recovery codes are the person's own, a
		// bypass code is the decision of somebody who may make it.
		for _, name := range []string{"recovery", "bypass"} {
			if p := f.factor(name); p != nil && !slices.Contains(d.Factors, name) {
				add(p)
			}
		}
	}
	if i := slices.IndexFunc(ms, func(m Method) bool { return m.ID == u.Enrollment.Preferred }); i > 0 {
		m := ms[i]
		ms = slices.Insert(slices.Delete(ms, i, i+1), 0, m)
	}
	return ms
}

// excluded says why nothing that the directory has for a user is a method under
// a decision.
func (f *Flow) excluded(u User, d Decision) string {
	var why []string
	for _, p := range f.Factors {
		if e, ok := p.(Excluder); ok && (len(d.Factors) == 0 || slices.Contains(d.Factors, p.Name())) {
			for _, text := range e.Excluded(u) {
				if !slices.Contains(why, text) {
					why = append(why, text)
				}
			}
		}
	}
	return strings.Join(why, "; ")
}

func (f *Flow) factor(name string) Factor {
	for _, p := range f.Factors {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// offered are the methods a question may name, at most [maxOffered].
func offered(methods []Method) []Method {
	if len(methods) <= maxOffered && !slices.ContainsFunc(methods, func(m Method) bool { return m.Quiet }) {
		return slices.Clip(methods)
	}
	menu := make([]Method, 0, len(methods))
	for _, m := range methods {
		if !m.Quiet && len(menu) < maxOffered {
			menu = append(menu, m)
		}
	}
	if len(menu) == 0 { // she has only recovery or bypass codes left
		return methods[:min(len(methods), 1)]
	}
	return menu
}

// startAt is the menu beginning with the chosen method, the order in which
// they are tried.
func startAt(menu []Method, i int) []Method {
	return slices.Concat(menu[i:], menu[:i])
}

// choose reads a typed choice: one digit. The index is -1 for a digit that is
// not in the menu.
func choose(answer Secret, menu []Method) (index int, ok bool) {
	text, ok := answer.Reveal()
	if ok {
		text = strings.TrimSpace(text)
		if len(text) != 1 || text[0] < '0' || text[0] > '9' {
			return 0, false
		}
		if n := int(text[0] - '0'); n >= 1 && n <= len(menu) {
			return n - 1, true
		}
		return -1, true
	}
	for i := range menu {
		if answer.Is(strconv.Itoa(i + 1)) {
			return i, true
		}
	}
	return 0, false
}

// approves reports whether a method is answered elsewhere under a decision. A
// factor may be both: a call asks for a key, or tells a code.
func (f *Flow) approves(m Method, d Decision) bool {
	factor := f.factor(m.Factor)
	if _, ok := factor.(Approver); !ok {
		return false
	}
	_, prompts := factor.(Prompter)
	return !prompts || d.Call != CallCode
}

// matches reports whether an approval asks for digits shown at the prompt.
func (f *Flow) matches(d Decision) bool { return d.Call == CallMatch || d.Call == "" && f.Match }

// ask asks by the first method of the waiter's order that works. What needs
// nothing but an answer is asked at once; what reaches out to the person is an
// errand, so that the requests of one sign-in reach out once.
func (f *Flow) ask(w *waiter) (Step, error) {
	t := w.t
	t.leave() // a gateway may be slow, and nothing is guessed any more
	if m := w.order[0]; m.Standing && w.t.Via.CanAsk && !f.approves(m, *w.d) {
		p, ok := f.factor(m.Factor).(Prompter)
		if !ok {
			return nil, fmt.Errorf("factor %s neither prompts nor approves", m.Factor)
		}
		memo, err := prompt(t.ctx, p, w.user, m, w.question())
		if err == nil {
			next := w.question().fresh(t.began)
			next.method, next.memo, next.approval = m.ID, memo, false
			return f.again(t, w.user, offered(w.methods), next, w.say)
		}
		t.event.Detail = err.Error()
	}
	return f.wait(w)
}

// wait begins the errand of a sign-in, or joins it.
func (f *Flow) wait(w *waiter) (Step, error) {
	if w.t.Via.CanAsk { // when nobody answers in time, a question is put
		if err := f.fileGrant(w.t, w.user.Account.ID); err != nil {
			return nil, err
		}
	}
	w.flow, w.since = f, time.Since(w.t.began)
	w.reply.asked = w
	f.forget(w.t)
	w.t.ctx = nil // of the request, which ends now; thousands wait
	e, mine, clash, err := f.errands.join(w)
	switch {
	case err != nil:
		return nil, err
	case clash != nil:
		return f.reject(w.t, ReasonInProgress)
	case mine:
		if !e.background(e.open) {
			e.conclude(outcome{err: errClosing})
		}
	case e.shows(w) && e.drop(w):
		w.answer(e.tellWaiting(w))
	}
	return Wait{&w.reply}, nil
}

// prompt asks by a method, or once more by the method of the question before.
func prompt(ctx context.Context, p Prompter, u User, m Method, before *question) ([]byte, error) {
	if r, ok := p.(Resender); ok && m.ID == before.method && before.memo != nil && !before.approval {
		return r.Resend(ctx, u, m, before.memo)
	}
	return p.Prompt(ctx, u, m)
}

// elsewhere is the menu behind a method and then before it, without it.
func elsewhere(menu []Method, method string) []Method {
	i := slices.IndexFunc(menu, func(m Method) bool { return m.ID == method })
	if i < 0 {
		return menu
	}
	return startAt(menu, i)[1:]
}

// again puts the question q, without prompting.
func (f *Flow) again(t *attempt, u User, menu []Method, q *question, say string) (Step, error) {
	return f.put(t, menu, q, f.question(u, menu, q, say, len(menu)))
}

// put puts a question of any topic, with the choices it names.
func (f *Flow) put(t *attempt, menu []Method, q *question, text string) (Step, error) {
	if err := f.fileGrant(t, q.account); err != nil {
		return nil, err
	}
	q.menu, q.kept, q.granted = menuSum(menu), t.kept, t.grant != nil
	ticket, err := q.seal(f.Tickets, t.User, t.Via.Client)
	if err != nil {
		return nil, err
	}
	t.event.Method = factorOf(q.method)
	return Ask{Text: text, Ticket: ticket}, nil
}

// question is the text of a question: what went wrong, what to type, and how
// to choose another way, of the first n of the menu.
func (f *Flow) question(u User, menu []Method, q *question, say string, n int) string {
	tx := func(key string, args ...string) string { return f.Texts.Text(u.Language, key, args...) }
	choices, text := "", ""
	for i, m := range menu {
		number := strconv.Itoa(i + 1)
		add := func(choice string) {
			if i >= n {
				return
			}
			if choices != "" {
				choices += ", "
			}
			choices += choice
		}
		switch {
		case m.ID == q.method && q.approval:
			_, match := q.claim()
			text = tx("wait_"+m.Factor, "Hint", m.Hint)
			if match != "" {
				text = tx("match_"+m.Factor, "Hint", m.Hint, "Match", match)
			}
			add(tx("retry_"+m.Factor, "Number", number))
		case m.ID == q.method:
			text = tx("ask_"+m.Factor, "Hint", m.Hint)
			if !m.Standing {
				add(tx("resend", "Number", number))
			}
		default:
			add(f.choice(u, m, number))
		}
	}
	if text == "" {
		text = tx("ask_"+factorOf(q.method), "Hint", "")
	}
	if choices == "" {
		text = tx("plain", "Ask", text)
	} else {
		text = tx("menu", "Ask", text, "Choices", choices)
	}
	if say != "" {
		text = tx(say) + " " + text
	}
	return text
}

// choice is what a menu says of a method.
func (f *Flow) choice(u User, m Method, number string) string {
	what := f.Texts.Text(u.Language, "method_"+m.Factor)
	if m.Hint != "" {
		what = f.Texts.Text(u.Language, "method_"+m.Factor+"_hint", "Hint", m.Hint)
	}
	return f.Texts.Text(u.Language, "choice", "Number", number, "What", what)
}

// factorOf is the factor a method's ID begins with.
func factorOf(method string) string {
	name, _, _ := strings.Cut(method, "/")
	return name
}
