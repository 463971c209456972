package login_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// What a person has chosen comes before the order of the rule and the language
// of the directory; what the rule does not allow, or nobody can serve, does not.
func TestAPersonsOwnChoice(t *testing.T) {
	for _, c := range []struct {
		name      string
		directory string
		own       login.Enrollment
		rule      login.RuleConfig
		asked     string
	}{
		{"nothing is chosen", "", login.Enrollment{}, login.RuleConfig{}, "Enter the code from your authenticator app"},
		{"the directory's language", "nb", login.Enrollment{}, login.RuleConfig{}, "Skriv koden fra"},
		{"her own instead of it", "nb", login.Enrollment{Language: "fr"}, login.RuleConfig{}, "Saisissez le code"},
		{"one that there are no texts in", "nb", login.Enrollment{Language: "ja"}, login.RuleConfig{}, "Skriv koden fra"},
		{"her second telephone", "", login.Enrollment{Preferred: "sms/1"}, login.RuleConfig{}, "Enter the code sent to ••17"},
		{"before the order of the rule", "", login.Enrollment{Preferred: "sms/0"}, login.RuleConfig{Factors: []string{"totp", "sms"}}, "Enter the code sent to ••42"},
		{"which does not allow it", "", login.Enrollment{Preferred: "sms/0"}, login.RuleConfig{Factors: []string{"totp"}}, "Enter the code from your authenticator app"},
		{"a telephone that is gone", "", login.Enrollment{Preferred: "sms/7"}, login.RuleConfig{}, "Enter the code from your authenticator app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := logintest.NewWorld(t, c.rule)
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice", Language: c.directory}, "secret")
			w.Enrollments.Set("id-alice", c.own)
			p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
			if got := p.say("secret"); !strings.HasPrefix(got, `ask "`+c.asked) {
				t.Errorf("got %s, want %q", got, c.asked)
			}
		})
	}
}
