package reply

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// MaxOctets bounds the attributes of one reply. A packet has 4096 octets (RFC
// 2865, section 3), and what the protocol itself needs must fit beside them.
const MaxOctets = 3000

const maxRules = 1000

// A RuleConfig is one [[reply]] block.
type RuleConfig struct {
	// Name is for messages; rules are numbered from 1 when it is empty.
	Name string `mapstructure:"name"`
	// Clients are names of client blocks.
	Clients []string `mapstructure:"clients"`
	// Groups are distinguished names.
	Groups []string `mapstructure:"groups"`
	// Users are login names, in any case.
	Users []string `mapstructure:"users"`
	// Attributes are values by attribute name, in any case.
	Attributes map[string]any `mapstructure:"attributes"`
	// Pass are the names of attributes that these people get as an upstream server
	// has sent them. Nobody gets one of them whom no rule that names it matches.
	Pass []string `mapstructure:"pass"`
	// Add keeps the values of earlier rules and adds these.
	Add bool `mapstructure:"add"`
}

// Config is all [[reply]] blocks in the order of the file.
type Config []RuleConfig

// DefaultConfig returns no rules: nothing is added to replies.
func DefaultConfig() Config { return nil }

// Validate reports all problems of the rules, as [New] does with the embedded
// dictionary.
func (c Config) Validate() error {
	d, err := dictionary.Load()
	if err != nil {
		return err
	}
	_, err = New(c, d)
	return err
}

// Rules are compiled [[reply]] blocks. They may be shared.
type Rules struct {
	rules      []rule
	dictionary *dictionary.Dictionary
	byRule     map[dictionary.ID]bool // those that some rule passes
}

type rule struct {
	clients    []string
	groups     []string // normalised names
	users      []string
	attributes []attribute
	pass       []dictionary.Attribute
	add        bool
}

// New compiles rules. The error joins all problems, each with the rule, the
// key, what is wrong and what to do.
func New(configs []RuleConfig, d *dictionary.Dictionary) (*Rules, error) {
	if len(configs) > maxRules {
		return nil, fmt.Errorf("reply: %d rules are more than %d; match groups in fewer rules", len(configs), maxRules)
	}
	r := &Rules{dictionary: d, byRule: map[dictionary.ID]bool{}}
	var problems []error
	for i, c := range configs {
		compiled, errs := c.compile(d)
		r.rules = append(r.rules, compiled)
		for _, a := range compiled.pass {
			r.byRule[a.ID()] = true
		}
		for _, err := range errs {
			problems = append(problems, fmt.Errorf("reply rule %s: %w", c.label(i), err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return r, nil
}

func (c RuleConfig) label(i int) string {
	if c.Name == "" {
		return strconv.Itoa(i + 1)
	}
	return fmt.Sprintf("%d (%q)", i+1, c.Name)
}

func (c RuleConfig) compile(d *dictionary.Dictionary) (rule, []error) {
	r := rule{clients: c.Clients, users: c.Users, add: c.Add}
	var problems []error
	for _, list := range []struct {
		key   string
		names []string
	}{{"clients", c.Clients}, {"users", c.Users}} {
		if slices.ContainsFunc(list.names, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			problems = append(problems, fmt.Errorf("%s: a name is empty; remove it, and the key to match all", list.key))
		}
	}
	for _, group := range c.Groups {
		name, err := login.NormalDN(group)
		if err != nil {
			problems = append(problems, fmt.Errorf("groups: %q: %w; write the group's full name, e.g. cn=admins,ou=groups,dc=example,dc=org", group, err))
		}
		r.groups = append(r.groups, name)
	}
	for _, name := range c.Pass {
		a, err := d.Passable(name)
		if err != nil {
			problems = append(problems, fmt.Errorf("pass: %w", err))
			continue
		}
		r.pass = append(r.pass, a)
	}
	if len(c.Attributes) == 0 && len(c.Pass) == 0 {
		return r, append(problems, errors.New(`attributes: none; write e.g. attributes = { Class = "staff" }`))
	}
	attributes, errs := compileAttributes(d, c.Attributes)
	r.attributes = attributes
	return r, append(problems, errs...)
}
