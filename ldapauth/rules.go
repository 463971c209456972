package ldapauth

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

// Where rules for passwords are.
var (
	// A fine-grained policy of Active Directory (MS-ADTS, section 3.1.1.4.5.36)
	// goes before that of the domain.
	fineGrained = ruleNames{"msDS-MinimumPasswordLength", "msDS-PasswordHistoryLength", "msDS-PasswordComplexityEnabled"}
	ofDomain    = ruleNames{"minPwdLength", "pwdHistoryLength", "pwdProperties"}
	// draft-behera-ldap-password-policy-10, section 5.2.
	ofPolicy = ruleNames{"pwdMinLength", "pwdInHistory", "pwdCheckQuality"}
	// 389 Directory Server.
	ofFedora = ruleNames{"passwordMinLength", "passwordInHistory", "passwordMinCategories"}
)

// ruleNames are attributes of a policy.
type ruleNames struct{ length, history, quality string }

// complexClasses is how many kinds of characters Active Directory wants where
// it wants any (DOMAIN_PASSWORD_COMPLEX of MS-SAMR, section 2.2.3.5).
const (
	complexClasses = 3
	complexFlag    = 1
)

// PasswordRules reads what the directory wants of a new password; see
// [login.Changer].
func (d *Directory) PasswordRules(ctx context.Context, a login.Account) (rules login.PasswordRules, err error) {
	if a.DN == "" {
		return rules, nil
	}
	err = d.try(ctx, func(s *server, deadline time.Time) error {
		c, err := s.searches.get(ctx, deadline)
		if err != nil {
			return err
		}
		defer s.searches.put(c)
		if d.cfg.Kind == KindAD {
			rules, err = domainRules(ctx, deadline, c, a.DN)
		} else {
			rules, err = policyRules(ctx, deadline, c, a.DN, d.cfg.PasswordPolicy)
		}
		return err
	})
	if err != nil {
		return rules, fmt.Errorf("read the rules for passwords: %w", err)
	}
	return rules, nil
}

func domainRules(ctx context.Context, deadline time.Time, c *conn, dn string) (login.PasswordRules, error) {
	own, err := c.values(ctx, deadline, dn, "msDS-ResultantPSO")
	if err != nil {
		return login.PasswordRules{}, err
	}
	names, of := ofDomain, domainOf(dn)
	if pso := own["msds-resultantpso"]; pso != "" {
		names, of = fineGrained, pso
	}
	v, err := c.values(ctx, deadline, of, names.length, names.history, names.quality)
	rules := login.PasswordRules{MinLength: v.number(names.length), History: v.number(names.history)}
	if v.number(names.quality)&complexFlag != 0 || strings.EqualFold(v[strings.ToLower(names.quality)], "TRUE") {
		rules.Classes = complexClasses
	}
	return rules, err
}

// policyRules reads the policy that the entry names, or the one of the
// configuration: which one is the default no entry tells.
func policyRules(ctx context.Context, deadline time.Time, c *conn, dn, usual string) (rules login.PasswordRules, err error) {
	own, err := c.values(ctx, deadline, dn, "pwdPolicySubentry")
	if err != nil {
		return rules, err
	}
	of := cmp.Or(own["pwdpolicysubentry"], usual)
	if of == "" {
		return rules, nil
	}
	v, err := c.values(ctx, deadline, of, ofPolicy.length, ofPolicy.history, ofPolicy.quality, ofFedora.length, ofFedora.history, ofFedora.quality)
	rules.History = max(v.number(ofPolicy.history), v.number(ofFedora.history))
	if v.number(ofPolicy.quality) > 0 { // else the length is not looked at
		rules.MinLength = v.number(ofPolicy.length)
	}
	rules.MinLength = max(rules.MinLength, v.number(ofFedora.length))
	rules.Classes = v.number(ofFedora.quality)
	return rules, err
}

// values are attributes of one entry, their names in small letters.
type values map[string]string

// maxRule is the largest number in a rule that is believed.
const maxRule = 1 << 16

func (v values) number(name string) int {
	n, err := strconv.Atoi(v[strings.ToLower(name)])
	if err != nil || n < 0 || n > maxRule {
		return 0
	}
	return n
}

// values reads attributes of one entry; of one that is not there or may not be
// read, none.
func (c *conn) values(ctx context.Context, deadline time.Time, dn string, attributes ...string) (values, error) {
	v := values{}
	res, err := c.search(ctx, deadline, &query{
		base: dn, scope: scopeBase, sizeLimit: 1, timeLimit: seconds(deadline),
		filter: []asked{{filter: &anyEntry}}, attrs: selection(attributes...),
	}, func(e entry) error {
		return e.each(func(name, value []byte) error {
			if len(value) <= maxDN {
				v[strings.ToLower(string(name))] = string(value)
			}
			return nil
		})
	})
	switch {
	case err != nil:
		return nil, exchangeError(err)
	case res.code == ldap.LDAPResultNoSuchObject, res.code == ldap.LDAPResultInsufficientAccessRights:
		return v, nil
	case res.code != ldap.LDAPResultSuccess:
		return nil, fmt.Errorf("read %q: %w", dn, resultFailure(res))
	}
	return v, nil
}
