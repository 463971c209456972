package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// EmergencyConfig is the [emergency] section: whom emergency mode may let in with
// a password alone, once an administrator has switched it on.
type EmergencyConfig struct {
	// Groups are distinguished names; being in one of them is enough. Without
	// any, emergency mode lets nobody in.
	Groups []string `mapstructure:"groups"`
	// KnownPlaces is whether only those are let in who have given a second factor
	// at the same place, and signed in from there lately. Where the client does
	// not tell the place nobody is.
	KnownPlaces bool `mapstructure:"known_places"`
	// Max is the longest it may last from when it was switched on.
	Max time.Duration `mapstructure:"max"`
}

// Limits of [EmergencyConfig.Max] and of what is kept.
const (
	minEmergency = time.Minute
	maxEmergency = 7 * 24 * time.Hour

	maxEmergencies     = 64
	maxEmergencyReason = 200 // characters
)

// DefaultEmergencyConfig lets nobody in.
func DefaultEmergencyConfig() EmergencyConfig {
	return EmergencyConfig{KnownPlaces: true, Max: 24 * time.Hour}
}

// Validate returns every problem of the section.
func (c EmergencyConfig) Validate() error {
	var errs []error
	for _, g := range c.Groups {
		if _, err := NormalDN(g); err != nil {
			errs = append(errs, fmt.Errorf("groups: %q is not a distinguished name: write it in full, as in \"cn=vpn,ou=groups,dc=example,dc=org\"", g))
		}
	}
	if c.Max < minEmergency || c.Max > maxEmergency {
		errs = append(errs, fmt.Errorf("max: is %v: choose %v to %v", c.Max, minEmergency, maxEmergency))
	}
	return errors.Join(errs...)
}

// Warnings returns what is allowed and should be known, for each start.
func (c EmergencyConfig) Warnings() []string {
	if len(c.Groups) == 0 || c.KnownPlaces {
		return nil
	}
	return []string{"known_places: false lets in, while emergency mode is on, whoever has the password of somebody in its groups, from anywhere"}
}

// Covers reports whether an account is in one of the groups.
func (c EmergencyConfig) Covers(a Account) bool {
	m := NewMembership(a)
	return slices.ContainsFunc(c.Groups, func(g string) bool {
		name, err := NormalDN(g)
		return err == nil && m.In(name)
	})
}

// An Emergency is that second factors cannot be reached at some clients, as an
// administrator has declared for a while. It never begins by itself, and ends
// by itself.
type Emergency struct {
	// Client or ClientGroup says where; with neither it is everywhere.
	Client      string    `json:"client,omitempty"`
	ClientGroup string    `json:"client_group,omitempty"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	// Why is the administrator's reason, By who she was at her machine; both
	// are for people.
	Why string `json:"why"`
	By  string `json:"by,omitempty"`
}

// Where names the clients it is for.
func (e Emergency) Where() string {
	switch {
	case e.Client != "":
		return "client " + e.Client
	case e.ClientGroup != "":
		return "client group " + e.ClientGroup
	}
	return "all clients"
}

// At reports whether it is for a login that arrived this way.
func (e Emergency) At(v Via) bool {
	switch {
	case e.Client != "":
		return e.Client == v.Client
	case e.ClientGroup != "":
		return e.ClientGroup == v.group()
	}
	return true
}

// end is when it ends: also one that was declared under a configuration that
// allowed more.
func (e Emergency) end(c EmergencyConfig) time.Time {
	if most := e.Since.Add(c.Max); most.Before(e.Until) {
		return most
	}
	return e.Until
}

// inForce reports whether it has begun and not ended. A beginning in the future
// means that a clock was set back: it would last longer than was said.
func (e Emergency) inForce(c EmergencyConfig, now time.Time) bool {
	return now.Before(e.end(c)) && now.After(e.Since.Add(-time.Minute))
}

// check returns what is wrong with a declaration.
func (e Emergency) check(c EmergencyConfig) error {
	lasts := e.Until.Sub(e.Since)
	switch {
	case len(c.Groups) == 0:
		return errors.New("emergency.groups names nobody whom it could let in")
	case e.Client != "" && e.ClientGroup != "":
		return errors.New("an emergency is of a client or of a group of clients")
	case lasts < minEmergency || lasts > c.Max:
		return fmt.Errorf("an emergency of %v: choose %v to %v (emergency.max)", lasts, minEmergency, c.Max)
	case e.Why == "" || utf8.RuneCountInString(e.Why) > maxEmergencyReason || slices.ContainsFunc([]rune(e.Why), unicode.IsControl):
		return fmt.Errorf("a reason has 1 to %d characters on one line", maxEmergencyReason)
	}
	return nil
}

// EmergencyKey is the key of the record of what was declared; deleting it ends
// all of it.
const EmergencyKey = "emergency"

var errEmergency = errors.New("login: the record of emergencies cannot be read: `portvakt emergency off` removes it")

// declared reads what is in the record, also what has ended.
func declared(ctx context.Context, r Records) ([]Emergency, error) {
	v, err := read(ctx, r, EmergencyKey, emergencyRecord)
	if err != nil {
		return nil, err
	}
	return declaredOf(v)
}

// emergencyRecord names the record in errors.
const emergencyRecord = "emergencies"

func declaredOf(v Value) (all []Emergency, err error) {
	if v.Rev != 0 && json.Unmarshal(v.Data, &all) != nil || len(all) > maxEmergencies {
		return nil, errEmergency
	}
	return all, nil
}

// DeclareEmergency switches emergency mode on, durably and for all nodes. It
// takes the place of one for the same clients.
func DeclareEmergency(ctx context.Context, r Records, c EmergencyConfig, e Emergency) error {
	if err := e.check(c); err != nil {
		return err
	}
	e.By = clip(e.By)
	return changeEmergencies(ctx, r, func(all []Emergency) ([]Emergency, error) {
		all = slices.DeleteFunc(all, func(old Emergency) bool { return old.Where() == e.Where() || !old.inForce(c, e.Since) })
		if len(all) == maxEmergencies {
			return nil, fmt.Errorf("%d emergencies are declared: end some, or declare one for all clients", maxEmergencies)
		}
		return append(all, e), nil
	})
}

// EndEmergencies switches off what which picks, durably and for all nodes, and
// returns it. A record that cannot be read is removed.
func EndEmergencies(ctx context.Context, r Records, which func(Emergency) bool) (ended []Emergency, err error) {
	err = changeEmergencies(ctx, r, func(all []Emergency) ([]Emergency, error) {
		ended = nil
		return slices.DeleteFunc(all, func(e Emergency) bool {
			if which(e) {
				ended = append(ended, e)
				return true
			}
			return false
		}), nil
	})
	return ended, err
}

func changeEmergencies(ctx context.Context, r Records, fn func([]Emergency) ([]Emergency, error)) error {
	return rewrite(ctx, r, EmergencyKey, emergencyRecord, func(v Value) ([]byte, error) {
		all, err := declaredOf(v)
		if err != nil {
			all = nil // it is written anew
		}
		if all, err = fn(all); err != nil || len(all) == 0 {
			return nil, err
		}
		return json.Marshal(all)
	})
}

// Emergencies are those in force, each until it really ends.
func Emergencies(ctx context.Context, r Records, c EmergencyConfig, now time.Time) ([]Emergency, error) {
	if len(c.Groups) == 0 {
		return nil, nil
	}
	all, err := declared(ctx, r)
	all = slices.DeleteFunc(all, func(e Emergency) bool { return !e.inForce(c, now) })
	for i := range all {
		all[i].Until = all[i].end(c)
	}
	return all, err
}

// needNobody reports whether one of the methods works while nobody can be
// reached: an app, a token.
func needNobody(methods []Method) bool {
	return slices.ContainsFunc(methods, func(m Method) bool { return m.Standing && !m.Quiet })
}

// Explain says, for explanations, what an emergency at the client means for an
// account with these methods.
func (e Emergency) Explain(c EmergencyConfig, a Account, methods []Method) string {
	switch {
	case !c.Covers(a):
		return "nothing: the user is in none of emergency.groups"
	case needNobody(methods):
		return "nothing: the user has an app or a token, and is asked for it"
	case c.KnownPlaces:
		return "the password is enough from a place where the user has given a second factor, and signed in from lately"
	}
	return "the password is enough"
}

// emergency returns what stands in the place of a second factor while an
// administrator has declared that it cannot be reached; nil when she is asked
// as always. It is the last step of the ladder: an app or a token needs nobody
// else to work, so who has one is asked for it.
func (f *Flow) emergency(t *attempt, u User, methods []Method, g loaded) (*factorProof, error) {
	if len(f.Emergency.Groups) == 0 || needNobody(methods) {
		return nil, nil //nolint:nilnil // none is no error
	}
	all, err := Emergencies(t.ctx, f.Records, f.Emergency, t.began)
	if errors.Is(err, errEmergency) {
		t.event.Detail = err.Error()
		return nil, nil //nolint:nilnil // she is asked, and it is told
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(e Emergency) bool { return e.At(t.Via) })
	switch {
	case i < 0 || !f.Emergency.Covers(u.Account):
		return nil, nil //nolint:nilnil // none is no error
	case f.Emergency.KnownPlaces && (t.Via.Station == "" || !g.proves(t.station, t.began)):
		t.event.Detail = "emergency mode is on, and no second factor of hers was seen there lately"
		return nil, nil //nolint:nilnil // none is no error
	}
	e := &all[i]
	t.event.Emergency = e
	t.event.Detail = fmt.Sprintf("until %s: %s", e.Until.UTC().Format(time.RFC3339), e.Why)
	return &factorProof{account: u.Account.ID, waived: true}, nil
}
