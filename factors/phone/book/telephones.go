package book

import (
	"context"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// Telephones are the numbers of people as the methods of a factor, and let
// people confirm those of the directory. They are the part that all factors have
// that bring a code to a telephone.
type Telephones struct {
	book   *Book
	factor string
	key    []byte
	codes  Coder
}

// A Coder brings a code to the number of a method and checks what is typed: the
// factor itself.
type Coder interface {
	Resend(ctx context.Context, u login.User, m login.Method, memo []byte) ([]byte, error)
	Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error
}

// Telephones returns those of a factor. key keeps numbers from being read out of
// method IDs.
func (b *Book) Telephones(factor string, key []byte, codes Coder) Telephones {
	return Telephones{b, factor, key, codes}
}

// Methods returns one method for each number of the person that may be used.
func (t Telephones) Methods(u login.User) []login.Method { return t.methods(t.book.Of(u)) }

// Excluded says of the directory's numbers which the factor does not use and why;
// see [login.Excluder].
func (t Telephones) Excluded(u login.User) (why []string) {
	if len(u.Account.Phones) == 0 {
		return []string{"the directory has no telephone number"}
	}
	for _, raw := range u.Account.Phones[:min(len(u.Account.Phones), maxNumbers)] {
		if _, err := t.book.read(raw); err != nil {
			why = append(why, "not for "+t.factor+": "+err.Error())
		}
	}
	return why
}

func (t Telephones) methods(numbers []phone.Number) []login.Method {
	var methods []login.Method
	for _, n := range numbers {
		methods = append(methods, login.Method{ID: t.id(n), Factor: t.factor, Hint: n.Hint()})
	}
	return methods
}

func (t Telephones) id(n phone.Number) string { return t.factor + "/" + n.TelephoneID(t.key) }

// Find returns the number of a method, if the person still has it.
func (t Telephones) Find(u login.User, m login.Method) (phone.Number, bool) {
	for _, n := range t.book.Of(u) {
		if t.id(n) == m.ID {
			return n, true
		}
	}
	return phone.Number{}, false
}

// Enrollable returns the numbers of the directory that the person has not
// confirmed.
func (t Telephones) Enrollable(u login.User) []login.Method { return t.methods(t.book.Unconfirmed(u)) }

// Propose brings a code to the number, or the one brought before once more.
func (t Telephones) Propose(ctx context.Context, u login.User, m login.Method, before []byte) ([]byte, error) {
	return t.codes.Resend(ctx, u, m, before)
}

// Show returns nothing: the code is on her telephone.
func (Telephones) Show([]byte) string { return "" }

// Enroll takes the code that was brought.
func (t Telephones) Enroll(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) (login.Credential, error) {
	if err := t.codes.Check(ctx, u, m, memo, answer); err != nil {
		return login.Credential{}, err
	}
	number, ok := t.Find(u, m)
	if !ok {
		return login.Credential{}, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	return credential(number, "", true)
}
