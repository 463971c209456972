package ldapauth

import "testing"

const adMessage = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data "

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		res  result
		want string
	}{
		{"success", result{}, "yes"},
		{"success in a grace period", result{policy: policyState{grace: true}}, "yes"},
		{"success, but the policy says change", result{policy: policyState{state: policyMustChange}}, "password_must_change"},
		{"success, but the policy says locked", result{policy: policyState{state: policyLocked}}, "locked_by_directory"},
		{"success, but the policy says expired", result{policy: policyState{state: policyExpired}}, "password_expired"},
		{"success, and the policy says what it has no reason to", result{policy: policyState{state: 9}}, "undecided"},
		{"389: success with the expired control", result{expired: true}, "password_must_change"},
		{"wrong", result{code: 49}, "bad_password"},
		{"wrong and locked", result{code: 49, policy: policyState{state: policyLocked}}, "locked_by_directory"},
		{"wrong and expired", result{code: 49, policy: policyState{state: policyExpired}}, "password_expired"},
		{"389: expired by control", result{code: 49, expired: true}, "password_expired"},
		{"389: expired by text", result{code: 49, diagnostic: "password expired!"}, "password_expired"},
		{"389: retry limit", result{code: 19, diagnostic: "Exceed password retry limit. Please try later."}, "locked_by_directory"},
		{"389: retry limit by policy", result{code: 19, policy: policyState{state: policyLocked}}, "locked_by_directory"},
		{"another constraint", result{code: 19, diagnostic: "no"}, "undecided"},
		{"389: inactivated", result{code: 53, diagnostic: "Account inactivated. Contact system administrator."}, "account_disabled"},
		{"FreeIPA: too many", result{code: 53, diagnostic: "Too many failed logins.\n"}, "locked_by_directory"},
		{"FreeIPA: locked", result{code: 53, diagnostic: "Entry permanently locked.\n"}, "locked_by_directory"},
		{"FreeIPA: expired", result{code: 53, diagnostic: "Account (Kerberos principal) is expired"}, "account_expired"},
		{"unwilling for another reason", result{code: 53, diagnostic: "unauthenticated bind disallowed"}, "undecided"},
		{"no password in the entry", result{code: 48}, "bad_password"},
		{"no entry any more", result{code: 32}, "unknown_user"},
		{"busy with a policy state", result{code: 51, policy: policyState{state: policyLocked}}, "undecided"},
	} {
		if got := outcome(row.res.verdict()); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// Requirement S-24: each sub-code that Active Directory puts into its text has
// its reason, and what looks like one has not. The log tells it to the digit;
// what the person reads is one text for all.
func TestS24EachSubCodeHasItsReason(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, data, want, detail string }{
		{"no user", "525, v4563", "unknown_user", "AD data 525"},
		{"wrong", "52e, v4563", "bad_password", "AD data 52e"},
		{"in capitals", "52E, v4563", "bad_password", "AD data 52e"},
		{"hours", "530, v4563", "outside_hours", "AD data 530"},
		{"workstation", "531, v4563", "workstation_not_allowed", "AD data 531"},
		{"expired", "532, v1", "password_expired", "AD data 532"},
		{"disabled", "533, v1", "account_disabled", "AD data 533"},
		{"account expired", "701, v1", "account_expired", "AD data 701"},
		{"must change", "773, v1", "password_must_change", "AD data 773"},
		{"locked", "775, v1", "locked_by_directory", "AD data 775"},
		{"an unknown one", "52f, v4563", "bad_password", "AD data 52f"},
		{"cut off", "", "bad_password", ""},
		{"one that begins like another", "5331", "bad_password", "AD data 5331"},
	} {
		err := result{code: 49, diagnostic: adMessage + row.data}.verdict()
		if got := outcome(err); got != row.want || detail(err) != row.detail {
			t.Errorf("%s: got %s (%q), want %s (%q)", row.name, got, detail(err), row.want, row.detail)
		}
	}
}
