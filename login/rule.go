package login

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A RuleConfig is one [[rule]] of the configuration. The first rule that
// matches decides; an empty list matches everything.
type RuleConfig struct {
	// Name is used in logs and by "portvakt explain".
	Name string `mapstructure:"name"`
	// Clients are names of client blocks.
	Clients []string `mapstructure:"clients"`
	// Groups are distinguished names; being in one of them is enough.
	Groups []string `mapstructure:"groups"`
	// Users are login names as the directory spells them, in any case.
	Users []string `mapstructure:"users"`
	// Networks hold the address of the device that logs in; a login whose
	// client does not tell it never matches.
	Networks []netip.Prefix `mapstructure:"networks"`
	// ClientGroups are groups of clients, as the client blocks name them; a
	// client without a group is one of its own name.
	ClientGroups []string `mapstructure:"client_groups"`
	// Stations are patterns of the Calling-Station-Id: the whole of it, its
	// beginning with a "*" behind, or a MAC address in any spelling. A login
	// whose client does not tell it never matches.
	Stations []string `mapstructure:"stations"`
	// Hours are times of the week in Zone, as "mon-fri 07:00-18:00, sat
	// 09:00-13:00"; empty is always.
	Hours string `mapstructure:"hours"`
	// Zone is the time zone of Hours, as "Europe/Oslo".
	Zone string `mapstructure:"zone"`
	// From is when the rule begins to be enforced; before it, Before says what
	// happens.
	From time.Time `mapstructure:"from"`
	// Until is when the rule ends: from then on it is as if it were not there.
	Until time.Time `mapstructure:"until"`
	// Before is "remind" (let in, say so), "enroll" (offer to enroll, too),
	// "report" (let in, only count) or "off" (as if the rule were not there).
	Before string `mapstructure:"before"`
	// RemindBy are the ways, "sms" and "email", by which "remind" also sends a
	// message to people who have nothing that the rule will ask for; the first
	// that works is taken. RemindEvery is how seldom, to one person.
	RemindBy    []string      `mapstructure:"remind_by"`
	RemindEvery time.Duration `mapstructure:"remind_every"`
	// SecondFactor is "required", "enrolled" (only people who have one),
	// "none" or "deny".
	SecondFactor string `mapstructure:"second_factor"`
	// Factors are the factors allowed, in the order of preference when the
	// person has chosen none; empty allows all.
	Factors []string `mapstructure:"factors"`
	// Unenrolled is what happens to people without a second factor: "deny",
	// "allow", or "enroll" as EnrollConfig says.
	Unenrolled   string `mapstructure:"unenrolled"`
	EnrollConfig `mapstructure:",squash"`
	// ExpiredPassword is what happens to people whose password was right and
	// has expired: "deny", or "change" behind a second factor.
	ExpiredPassword string `mapstructure:"expired_password"`
	// Call is what a call asks for: "approve" (press #), "match" (the two
	// digits shown at the prompt, and #), "pin" (the person's own PIN, and #)
	// or "code" (the call tells a code to be typed). Empty is as [call] says.
	Call string `mapstructure:"call"`
	// Remember is how long a second factor counts on the same device and group
	// of clients since it was last used there; RememberMax how long since it
	// was proven, as long as Remember when it is shorter.
	Remember    time.Duration `mapstructure:"remember"`
	RememberMax time.Duration `mapstructure:"remember_max"`
	// ForgetOnLogout ends it when the client accounts that the person has ended
	// her session on the device herself.
	ForgetOnLogout bool `mapstructure:"forget_on_logout"`
}

// Values of RuleConfig.SecondFactor, Unenrolled, ExpiredPassword, Call and Before.
const (
	SecondRequired = "required"
	SecondEnrolled = "enrolled"
	SecondNone     = "none"
	SecondDeny     = "deny"

	UnenrolledDeny   = "deny"
	UnenrolledAllow  = "allow"
	UnenrolledEnroll = "enroll"

	ExpiredDeny   = "deny"
	ExpiredChange = "change"

	CallApprove = "approve"
	CallMatch   = "match"
	CallPIN     = "pin"
	CallCode    = "code"

	BeforeOff    = "off"
	BeforeReport = "report"
	BeforeRemind = "remind"
	BeforeEnroll = "enroll"
)

// maxRemember is the longest a second factor may count: as long as SP 800-63B,
// section 2.1.3, lets a session last at its lowest level.
const maxRemember = 30 * 24 * time.Hour

// Validate returns every problem of the rule.
func (r RuleConfig) Validate() error {
	var errs []error
	oneOf := func(key, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s: %q is not known: write one of %s", key, value, strings.Join(allowed, ", ")))
		}
	}
	oneOf("second_factor", r.SecondFactor, SecondRequired, SecondEnrolled, SecondNone, SecondDeny)
	oneOf("unenrolled", r.Unenrolled, UnenrolledDeny, UnenrolledAllow, UnenrolledEnroll)
	oneOf("expired_password", r.ExpiredPassword, ExpiredDeny, ExpiredChange)
	oneOf("before", r.Before, BeforeOff, BeforeReport, BeforeRemind, BeforeEnroll)
	oneOf("call", r.Call, CallApprove, CallMatch, CallPIN, CallCode)
	errs = append(errs, r.times()...)
	errs = append(errs, r.enrolling()...)
	if r.Remember < 0 || r.Remember > maxRemember || r.RememberMax < 0 || r.RememberMax > maxRemember {
		errs = append(errs, fmt.Errorf("remember: remember and remember_max are 0s to %v", maxRemember))
	}
	if r.RememberMax > 0 && r.RememberMax < r.Remember {
		errs = append(errs, errors.New("remember_max: is shorter than remember, which would then be longer than it says: make it at least as long"))
	}
	if r.ForgetOnLogout && r.Remember == 0 {
		errs = append(errs, errors.New("forget_on_logout: has no meaning without remember: add how long, or remove it"))
	}
	if r.Before != "" && r.From.IsZero() {
		errs = append(errs, errors.New("before: has no meaning without from: add the date, or remove before"))
	}
	for _, by := range r.RemindBy {
		oneOf("remind_by", by, "sms", "email")
	}
	switch {
	case len(r.RemindBy) > 0 && r.Before != BeforeRemind:
		errs = append(errs, errors.New("remind_by: is only for before = \"remind\": write that, or remove it"))
	case len(r.RemindBy) == 0 && r.RemindEvery != 0:
		errs = append(errs, errors.New("remind_every: has no meaning without remind_by: add it, or remove this"))
	case r.RemindEvery != 0 && (r.RemindEvery < minRemindEvery || r.RemindEvery > maxRemindEvery):
		errs = append(errs, fmt.Errorf("remind_every: %v is not between %v and %v", r.RemindEvery, minRemindEvery, maxRemindEvery))
	}
	if r.Before == BeforeRemind && r.SecondFactor == SecondNone {
		errs = append(errs, errors.New("before: \"remind\" would tell people of a second factor that the rule never asks for: remove one of the two"))
	}
	for _, p := range r.Stations {
		if _, err := parseStation(p); err != nil {
			errs = append(errs, fmt.Errorf("stations: %w", err))
		}
	}
	for _, g := range r.Groups {
		if _, err := NormalDN(g); err != nil {
			errs = append(errs, fmt.Errorf("groups: %q is not a distinguished name: write it in full, as in \"cn=vpn,ou=groups,dc=example,dc=org\"", g))
		}
	}
	if r.ExpiredPassword == ExpiredChange && (r.SecondFactor == SecondNone || r.SecondFactor == SecondDeny) {
		errs = append(errs, fmt.Errorf("expired_password: \"change\" has no meaning with second_factor = %q: a password is only changed behind a second factor: remove one of the two", r.SecondFactor))
	}
	if r.SecondFactor == SecondEnrolled && r.Unenrolled != "" {
		errs = append(errs, errors.New("unenrolled: has no meaning with second_factor = \"enrolled\", which lets them in: remove one of the two"))
	}
	if r.Unenrolled == UnenrolledAllow && len(r.Groups) == 0 && len(r.Users) == 0 {
		errs = append(errs, errors.New("unenrolled: \"allow\" without groups or users lets everybody in who enrolls nothing: name the groups it is for"))
	}
	if r.SecondFactor == SecondNone && !r.narrowed() {
		errs = append(errs, errors.New("second_factor: \"none\" without clients, client_groups, groups, users, networks, stations or hours asks nobody for a second factor: say whom it is for"))
	}
	return errors.Join(errs...)
}

// times returns the problems of when the rule is in force.
func (r *RuleConfig) times() []error {
	var errs []error
	switch {
	case r.Hours != "" && r.Zone == "":
		errs = append(errs, errors.New("hours: has no meaning without zone: add the time zone, as in zone = \"Europe/Oslo\""))
	case r.Hours == "" && r.Zone != "":
		errs = append(errs, errors.New("zone: is only for hours: add them, as in hours = \"mon-fri 07:00-18:00\", or remove it"))
	case r.Hours != "":
		if _, err := loadZone(r.Zone); err != nil {
			errs = append(errs, fmt.Errorf("zone: %w", err))
		}
	}
	if r.Hours != "" {
		if _, err := parseHours(r.Hours); err != nil {
			errs = append(errs, fmt.Errorf("hours: %w", err))
		}
	}
	if !r.Until.IsZero() && !r.From.IsZero() && !r.From.Before(r.Until) {
		errs = append(errs, errors.New("until: is not after from, so that the rule is never in force: write a later date"))
	}
	return errs
}

// narrowed is whether the rule is not for everybody, everywhere, always.
func (r *RuleConfig) narrowed() bool {
	return len(r.Clients)+len(r.ClientGroups)+len(r.Groups)+len(r.Users)+len(r.Networks)+len(r.Stations) > 0 || r.Hours != ""
}

// Warnings returns what is allowed and should be known, for each start.
func (r RuleConfig) Warnings() []string {
	var all []string
	if weak := r.SecondFactor == SecondNone || r.Unenrolled == UnenrolledAllow; weak && len(r.Stations) > 0 &&
		len(r.Clients)+len(r.ClientGroups)+len(r.Groups)+len(r.Users)+len(r.Networks) == 0 {
		all = append(all, "stations: are what a device says of itself, and anybody may say it: name groups, users or networks beside them")
	}
	if r.SecondFactor == SecondEnrolled && r.Until.IsZero() && !r.narrowed() {
		all = append(all, "second_factor: \"enrolled\" protects nobody who has not enrolled: give it an end, until, or name the groups it is for")
	}
	return append(all, r.enrollWarnings()...)
}
