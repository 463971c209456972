package login

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// EnrollConfig is how people without a second factor enroll one in the dialogue,
// where a rule says [UnenrolledEnroll]. It is part of a [RuleConfig].
type EnrollConfig struct {
	// Enrollable are the factors that can be enrolled, of those that the rule
	// allows; empty for all of them.
	Enrollable []string `mapstructure:"enroll_factors"`
	// EnrollFrom hold the address of the device: elsewhere nobody enrolls, nor
	// where the client does not tell it. Empty: everywhere.
	EnrollFrom []netip.Prefix `mapstructure:"enroll_from"`
	// Dormant is after how many days without a logon an account enrolls no
	// more; 0 is [DefaultDormant], and -1 never.
	Dormant int `mapstructure:"enroll_dormant"`
	// Approval is the distinguished name of the group of whom somebody must
	// approve what was enrolled before it counts; empty for nobody.
	Approval string `mapstructure:"enroll_approval"`
}

// DefaultDormant is after how many days an account that nobody uses enrolls no
// more. Active Directory tells the last logon up to two weeks late (MS-ADA1,
// attribute lastLogonTimestamp).
const (
	DefaultDormant = 90
	minDormant     = 15
	maxDormant     = 3650
)

// enrolling returns the problems of what the rule says of enrolling.
func (r *RuleConfig) enrolling() []error {
	var errs []error
	c := r.EnrollConfig
	if r.Before == BeforeEnroll && r.Unenrolled != UnenrolledEnroll {
		errs = append(errs, errors.New("before: \"enroll\" is for rules with unenrolled = \"enroll\": write that, or before = \"remind\""))
	}
	if r.Unenrolled != UnenrolledEnroll {
		if len(c.Enrollable) > 0 || len(c.EnrollFrom) > 0 || c.Dormant != 0 || c.Approval != "" {
			errs = append(errs, errors.New("unenrolled: enroll_factors, enroll_from, enroll_dormant and enroll_approval have no meaning unless it is \"enroll\": write that, or remove them"))
		}
		return errs
	}
	if r.SecondFactor != "" && r.SecondFactor != SecondRequired {
		errs = append(errs, errors.New("unenrolled: \"enroll\" is for rules that require a second factor: write second_factor = \"required\", or remove one of the two"))
	}
	for _, name := range c.Enrollable {
		if len(r.Factors) > 0 && !slices.Contains(r.Factors, name) {
			errs = append(errs, fmt.Errorf("enroll_factors: %q is not one of the rule's factors: add it there, or remove it here", name))
		}
	}
	if c.Dormant < -1 || c.Dormant > 0 && c.Dormant < minDormant || c.Dormant > maxDormant {
		errs = append(errs, fmt.Errorf("enroll_dormant: is a number of days, %d to %d, or -1 for accounts however long unused", minDormant, maxDormant))
	}
	if c.Approval != "" {
		if _, err := NormalDN(c.Approval); err != nil {
			errs = append(errs, fmt.Errorf("enroll_approval: %q is not a distinguished name: write it in full, as in \"cn=approvers,ou=groups,dc=example,dc=org\"", c.Approval))
		}
	}
	return errs
}

// enrollWarnings returns what is allowed of enrolling and should be known.
func (r *RuleConfig) enrollWarnings() []string {
	if r.Unenrolled == UnenrolledEnroll && len(r.EnrollFrom) == 0 && r.Approval == "" {
		return []string{"unenrolled: \"enroll\" lets whoever has the password of somebody without a second factor and without a number enroll an app of his own, from anywhere: " +
			"name the networks it is allowed from in enroll_from, or who approves it in enroll_approval"}
	}
	return nil
}

// enrollable reports whether a factor can be enrolled under the decision.
func (d Decision) enrollable(factor string) bool {
	return d.Unenrolled == UnenrolledEnroll &&
		(len(d.Factors) == 0 || slices.Contains(d.Factors, factor)) &&
		(len(d.Enroll.Enrollable) == 0 || slices.Contains(d.Enroll.Enrollable, factor))
}

// daysTo counts the days left until a date, one that has begun as a whole one.
func daysTo(date, now time.Time) string {
	return strconv.Itoa(int((date.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour)))
}
