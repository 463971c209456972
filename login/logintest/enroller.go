package logintest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/portvakt/portvakt/login"
)

// App is a [login.Enroller] as an authenticator app is: what is enrolled has the
// codes of its Factor, and the first one confirms it.
type App struct{ *Factor }

// Phone is a [login.Enroller] whose methods are the telephones of the directory.
type Phone struct{ *Factor }

var (
	_ login.Enroller = App{}
	_ login.Enroller = Phone{}
)

func credential(kind, what string) login.Credential {
	data, _ := json.Marshal(what)
	return login.Credential{ID: kind + "-" + what, Kind: kind, Data: data}
}

func has(u login.User, c login.Credential) bool {
	return slices.ContainsFunc(u.Enrollment.Credentials, func(had login.Credential) bool { return had.ID == c.ID })
}

// Methods is one when the app is enrolled.
func (a App) Methods(u login.User) []login.Method {
	if !has(u, credential(a.FactorName, "app")) {
		return nil
	}
	return a.Factor.Methods(u)
}

// Enrollable is one as long as it is not.
func (a App) Enrollable(u login.User) []login.Method {
	if has(u, credential(a.FactorName, "app")) {
		return nil
	}
	return []login.Method{{ID: a.FactorName + "/new", Factor: a.FactorName, Standing: true}}
}

// Propose makes the secret, or keeps it.
func (a App) Propose(_ context.Context, _ login.User, _ login.Method, before []byte) ([]byte, error) {
	if before != nil {
		return before, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	return fmt.Appendf(nil, "SEED %04d", a.count), nil
}

// Show is the secret.
func (App) Show(memo []byte) string { return string(memo) }

// Enroll takes the Factor's code.
func (a App) Enroll(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) (login.Credential, error) {
	return credential(a.FactorName, "app"), a.Check(ctx, u, m, memo, answer)
}

func (p Phone) method(number string) login.Method {
	return login.Method{ID: p.FactorName + "/" + number, Factor: p.FactorName, Hint: "••" + number[len(number)-2:]}
}

// Methods is one for each number of the directory.
func (p Phone) Methods(u login.User) []login.Method {
	var ms []login.Method
	for _, n := range u.Account.Phones {
		ms = append(ms, p.method(n))
	}
	return ms
}

// Enrollable are those that were not confirmed.
func (p Phone) Enrollable(u login.User) []login.Method {
	var ms []login.Method
	for _, n := range u.Account.Phones {
		if !has(u, credential("phone", n)) {
			ms = append(ms, p.method(n))
		}
	}
	return ms
}

// Propose sends a code.
func (p Phone) Propose(ctx context.Context, u login.User, m login.Method, _ []byte) ([]byte, error) {
	return p.Prompt(ctx, u, m)
}

// Show has nothing to show.
func (Phone) Show([]byte) string { return "" }

// Enroll takes the code that was sent.
func (p Phone) Enroll(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) (login.Credential, error) {
	for _, n := range u.Account.Phones {
		if p.method(n).ID == m.ID {
			return credential("phone", n), p.Check(ctx, u, m, memo, answer)
		}
	}
	return login.Credential{}, &login.Refusal{Reason: login.ReasonWrongCode}
}
