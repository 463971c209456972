package conf

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/portvakt/portvakt/factors/email"
	"github.com/portvakt/portvakt/factors/phone/cooling"
	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/ldapauth"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/text"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/reply"
	"github.com/portvakt/portvakt/radiusd/upstream"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/attempts"
)

// A File is the whole configuration, section by section. Each section's type
// lives beside the constructor that takes it.
type File struct {
	Server Server          `mapstructure:"server"`
	Store  store.Config    `mapstructure:"store"`
	LDAP   ldapauth.Config `mapstructure:"ldap"`
	// Upstream are RADIUS servers that check passwords in the directory's place.
	Upstream upstream.Config        `mapstructure:"upstream"`
	Clients  []radiusd.ClientConfig `mapstructure:"client"`
	Rules    []login.RuleConfig     `mapstructure:"rule"`
	Replies  reply.Config           `mapstructure:"reply"`
	TOTP     totp.Config            `mapstructure:"totp"`
	SMS      sms.Config             `mapstructure:"sms"`
	Call     Call                   `mapstructure:"call"`
	Email    email.Config           `mapstructure:"email"`
	Phone    cooling.Config         `mapstructure:"phone"`
	Texts    text.Config            `mapstructure:"texts"`
	// Accounting is how sessions are kept; Server says where they are told.
	Accounting store.SessionsConfig `mapstructure:"accounting"`
	Log        Log                  `mapstructure:"log"`
	// Attempts is what the service desk sees of sign-ins.
	Attempts attempts.Config `mapstructure:"attempts"`
	// Emergency is whom emergency mode may let in.
	Emergency login.EmergencyConfig `mapstructure:"emergency"`
}

// Server is the [server] section: the RADIUS server, and the socket of the
// admin commands.
type Server struct {
	radiusd.Config `mapstructure:",squash"`
	// Admin is the path of the unix socket of the admin commands.
	Admin string `mapstructure:"admin"`
	// Desk is the path of the unix socket of the service desk; empty for none.
	// The members of DeskGroup may use it.
	Desk      string `mapstructure:"desk"`
	DeskGroup string `mapstructure:"desk_group"`
	// StatusSilent leaves Status-Server requests unanswered while no directory
	// server answers, so that clients turn to their next server (RFC 5997,
	// section 4.2).
	StatusSilent bool `mapstructure:"status_silent"`
	// Metrics is where Prometheus and those who ask whether all is well are
	// answered, by HTTP; nowhere unless it is set.
	Metrics netip.AddrPort `mapstructure:"metrics"`
}

// Validate returns all problems of the section.
func (s Server) Validate() error {
	errs := []error{s.Config.Validate()}
	switch {
	case s.Desk == "" && s.DeskGroup != "":
		errs = append(errs, errors.New("desk_group: has no meaning without desk: add the socket's path, or remove it"))
	case s.Desk == "":
	case !filepath.IsAbs(s.Desk):
		errs = append(errs, fmt.Errorf("desk: %q is not an absolute path: write one like \"/run/portvakt/desk.sock\"", s.Desk))
	case s.Desk == s.Admin:
		errs = append(errs, errors.New("desk: is the administrator's socket: give the service desk one of its own"))
	}
	if s.Desk != "" && s.DeskGroup == "" {
		errs = append(errs, errors.New("desk_group: is missing: name the group whose members may use the service desk's socket"))
	}
	if s.Metrics.IsValid() && s.Metrics.Port() == 0 {
		errs = append(errs, errors.New("metrics: has no port: write one like \"127.0.0.1:9812\""))
	}
	return errors.Join(errs...)
}

// Warnings are what works and should be known.
func (s Server) Warnings() []string {
	all := s.Config.Warnings()
	if a := s.Metrics.Addr(); a.IsValid() && !a.IsLoopback() {
		all = append(all, fmt.Sprintf("metrics: whoever reaches %v may read the names of clients and rules, and how many sign in: "+
			"let in nobody but your monitor, or listen on 127.0.0.1", s.Metrics))
	}
	return all
}

// DefaultFile has the values of keys that a file leaves out.
func DefaultFile() File {
	return File{
		Server: Server{Config: radiusd.DefaultConfig(), Admin: "/run/portvakt/admin.sock"},
		Store:  store.DefaultConfig(),
		LDAP:   ldapauth.DefaultConfig(),

		Upstream: upstream.DefaultConfig(),
		TOTP:     totp.DefaultConfig(),
		SMS:      sms.DefaultConfig(),
		Call:     Call{Config: voice.DefaultConfig()},
		Email:    email.DefaultConfig(),
		Phone:    cooling.DefaultConfig(),
		Texts:    text.DefaultConfig(),

		Accounting: store.DefaultSessionsConfig(),
		Log:        DefaultLog(),
		Attempts:   attempts.DefaultConfig(),
		Emergency:  login.DefaultEmergencyConfig(),
	}
}

// Assemble puts the clients where the server's section wants them, tells the
// directory whether it is needed, the upstream servers what rules pass on, and
// messages and calls which numbers the other of them has blocked.
func (f *File) Assemble() {
	f.Server.Clients = f.Clients
	f.LDAP.Elsewhere = f.Upstream.Enabled()
	f.SMS.Numbers.BlockedElsewhere = f.Call.Numbers.BlockedPrefixes
	f.Call.Numbers.BlockedElsewhere = f.SMS.Numbers.BlockedPrefixes
	f.Upstream.ByRule = nil
	for _, r := range f.Replies {
		f.Upstream.ByRule = append(f.Upstream.ByRule, r.Pass...)
	}
}

// Blocked are the beginnings of numbers that get neither messages nor calls:
// what one of the sections blocks, both do without.
func (f *File) Blocked() []string {
	all := slices.Sorted(slices.Values(slices.Concat(f.SMS.Numbers.BlockedPrefixes, f.Call.Numbers.BlockedPrefixes)))
	return slices.Compact(all)
}

// LoadFile reads the configuration. The error is [Problems] with everything
// that is wrong; the warnings are what works and should be changed.
func LoadFile(path string) (f File, warnings Problems, err error) {
	f = DefaultFile()
	warnings, err = Load(path, &f, Default(radiusd.DefaultClientConfig()), Default(upstream.DefaultServerConfig()), LaterVersions())
	return f, warnings, err
}

// Validate returns the problems between sections; each section is asked for
// its own.
func (f *File) Validate() error {
	policy, _ := login.NewPolicy(f.Rules) // each rule was asked by itself, and knows its line
	err := errors.Join(policy.Alike(), policy.Dead())
	if f.Call.FraudDisconnect && len(f.Server.Accounting) == 0 {
		err = errors.Join(err, errors.New("call.fraud_disconnect: without accounting no session is known: set server.accounting, and have the clients account"))
	}
	if may := f.LDAP.MayChange(); may != nil && !f.Upstream.Enabled() {
		for i, r := range f.Rules {
			if r.ExpiredPassword == login.ExpiredChange {
				err = errors.Join(err, fmt.Errorf("rule number %d: expired_password: %w", i+1, may))
			}
		}
	}
	return errors.Join(err, f.names(), f.passes(), f.nameless())
}

// FactorNames are the factors that rules may name.
func FactorNames() []string {
	return []string{"totp", "sms", "call", "email", "recovery", "bypass"}
}

// EnrollableNames are the factors that people can enroll in the dialogue.
func EnrollableNames() []string { return []string{"totp", "sms", "call"} }
