package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// hashSchema is what Samba 3 adds to an OpenLDAP, as far as it matters here.
const hashSchema = `
attributetype ( 1.3.6.1.4.1.7165.2.1.25 NAME 'sambaNTPassword' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{64} SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.7165.2.1.26 NAME 'sambaAcctFlags' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{16} SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.7165.2.2.6 NAME 'sambaSamAccount' SUP top AUXILIARY MAY ( sambaNTPassword $ sambaAcctFlags ) )
`

// hashed is a person with an NT hash.
func hashed(uid, password, flags string) string {
	return fmt.Sprintf("dn: uid=%[1]s,%[2]s\nobjectClass: inetOrgPerson\nobjectClass: sambaSamAccount\nuid: %[1]s\ncn: x\nsn: x\n"+
		"sambaNTPassword: %[3]X\nsambaAcctFlags: %[4]s\n\n", uid, peer.SlapdPeople, mschaptest.NTHash(password), flags)
}

// microsoft are the attributes of an exchange as radclient takes them.
func microsoft(p *mschaptest.Peer, more ...string) []string {
	attrs := mschaptest.Microsoft(p.Attributes())
	return append([]string{
		fmt.Sprintf("User-Name = %q", p.User), `NAS-Identifier = "rras"`, "Message-Authenticator = 0x00",
		fmt.Sprintf("MS-CHAP-Challenge = 0x%x", attrs[11]), fmt.Sprintf("MS-CHAP2-Response = 0x%x", attrs[25]),
	}, more...)
}

// changing are the attributes of a change of the password.
func changing(p *mschaptest.Peer, old string) []string {
	attrs := []string{fmt.Sprintf("User-Name = %q", p.User), `NAS-Identifier = "rras"`, "Message-Authenticator = 0x00"}
	names := map[byte]string{6: "MS-CHAP-NT-Enc-PW", 11: "MS-CHAP-Challenge", 27: "MS-CHAP2-CPW"}
	for all := p.Change(old); len(all) > 0; all = all[all[1]:] {
		attrs = append(attrs, fmt.Sprintf("%s = 0x%x", names[all[6]], all[8:all[1]]))
	}
	return attrs
}

// admitted checks an accept as FreeRADIUS' client has verified, decrypted and
// decoded it.
func admitted(t *testing.T, what string, p *mschaptest.Peer, got peer.RadclientReply) {
	t.Helper()
	send, recv := p.Keys()
	for name, want := range map[string]string{
		"MS-CHAP2-Success": fmt.Sprintf("0x%x", p.Success()),
		"MS-MPPE-Send-Key": fmt.Sprintf("0x%x", send), "MS-MPPE-Recv-Key": fmt.Sprintf("0x%x", recv),
		"MS-MPPE-Encryption-Policy": "Encryption-Allowed", "MS-MPPE-Encryption-Types": "RC4-40or128-bit-Allowed",
	} {
		if values := got.Get(name); got.Code != "Access-Accept" || len(values) != 1 || values[0] != want {
			t.Errorf("%s: %s, %s is %q, want %s", what, got.Code, name, values, want)
		}
	}
}

// Windows' own VPN signs in like this: a proof of the password, and keys for
// the session. FreeRADIUS' client stands in for the NAS, and decrypts the keys.
func TestMSCHAPv2AgainstStoredHashes(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{
		Config: hashSchema, Data: hashed("carol", "pässwörd", "[U]") + hashed("gone", "secret", "[DU]"),
	})
	site := server.New(t, server.Config{
		LDAP:   server.LDAP(slapd) + "nt_hash = \"sambaNTPassword\"\n",
		Client: `methods = ["mschapv2"]`,
		More:   "\n[[rule]]\nusers = [\"gone\"]\nsecond_factor = \"none\"\n",
	})
	seed := server.NewSeed()
	site.Enroll(t, "carol", seed)
	d := site.Start(t)
	nas := d.Radclient()

	if out := site.Must(t, "check"); !strings.Contains(out, "client") || strings.Contains(out, "FAILED") {
		t.Errorf("check: %s", out)
	}
	p := mschaptest.New("carol", "pässwörd")
	asked := nas.Send(t, microsoft(p)...)
	state := asked.Get("State")
	if asked.Code != "Access-Challenge" || len(state) != 1 || len(asked.Get("MS-CHAP2-Success")) != 0 {
		t.Fatalf("the right password: %s", asked.Output)
	}
	d.Stop(t)
	d = site.Start(t) // the keys are in State, not in the server
	answer := mschaptest.New("carol", seed.Code(t))
	admitted(t, "a code as MS-CHAPv2 password, after a restart", p, nas.Send(t, microsoft(answer, "State = "+state[0])...))

	p = mschaptest.New("carol", "pässwörd")
	asked = nas.Send(t, microsoft(p)...)
	if state = asked.Get("State"); len(state) != 1 {
		t.Fatalf("once more: %s", asked.Output)
	}
	admitted(t, "a code in User-Password", p, nas.Send(t, `User-Name = "carol"`, `NAS-Identifier = "rras"`, "Message-Authenticator = 0x00",
		fmt.Sprintf("User-Password = %q", seed.Next(t)), "State = "+state[0]))

	for _, row := range []struct{ user, password, want string }{
		{"carol", "password", "E=691 R=0 C="},
		{"nobody", "secret", "E=691 R=0 C="},
		{"alice", peer.UserPassword, "E=691 R=0 C="}, // has no hash
		{"gone", "wrong", "E=691 R=0 C="},
		{"gone", "secret", "E=647 R=0 C="},
	} {
		got := nas.Send(t, microsoft(mschaptest.New(row.user, row.password))...)
		if why := got.Get("MS-CHAP-Error"); got.Code != "Access-Reject" || len(why) != 1 || !strings.Contains(why[0], row.want) {
			t.Errorf("%s, %s: %s, %q", row.user, row.password, got.Code, why)
		}
	}
	// S-38: the password itself is not taken from this client.
	if got := nas.Send(t, `User-Name = "carol"`, `User-Password = "pässwörd"`, "Message-Authenticator = 0x00"); got.Code != "Access-Reject" {
		t.Errorf("PAP: %s", got.Output)
	}
	for _, leak := range []string{fmt.Sprintf("%x", mschaptest.NTHash("secret")), fmt.Sprintf("%x", mschaptest.NTHash("pässwörd"))} {
		if strings.Contains(strings.ToLower(d.Log()), leak) {
			t.Error("a hash is in the log")
		}
	}
}

// The same before an Active Directory, which shows no hashes: Samba's winbindd
// and ntlm_auth carry the question to the controller.
func TestMSCHAPv2AgainstActiveDirectory(t *testing.T) {
	t.Parallel()
	samba, ntlmAuth := peer.StartWinbind(t)
	site := server.New(t, server.Config{
		LDAP:   server.AD(samba) + fmt.Sprintf("ntlm_auth = [%q, %q, %q]\nntlm_domain = %q\n", ntlmAuth[0], ntlmAuth[1], ntlmAuth[2], peer.SambaDomain),
		Client: `methods = ["pap", "mschapv2"]`,
		More: "\n[[rule]]\nusers = [\"mustchange\"]\nexpired_password = \"change\"\n" +
			"[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n",
	})
	seed := server.NewSeed()
	site.Enroll(t, "mustchange", seed)
	d := site.Start(t)
	nas := d.Radclient()
	if out := site.Must(t, "check"); !strings.Contains(out, "answers about MS-CHAPv2") {
		t.Errorf("check: %s", out)
	}
	for _, name := range []string{"alice", peer.SambaDomain + `\alice`} {
		p := mschaptest.New(name, peer.SambaUserPassword)
		admitted(t, name, p, nas.Send(t, microsoft(p)...))
	}
	for _, row := range []struct{ user, password, want string }{
		{"bob", "wrong", "E=691 "},
		{"expired", peer.SambaUserPassword, "E=648 "},
		{"disabled", peer.SambaUserPassword, "E=647 "},
		{"disabled", "wrong", "E=691 "},
		{"acctexp", peer.SambaUserPassword, "E=647 "},
	} {
		got := nas.Send(t, microsoft(mschaptest.New(row.user, row.password))...)
		if why := got.Get("MS-CHAP-Error"); got.Code != "Access-Reject" || len(why) != 1 || !strings.Contains(why[0], row.want) {
			t.Errorf("%s, %s: %s, %q", row.user, row.password, got.Code, why)
		}
	}
	d.Admit(t, "alice", peer.SambaUserPassword) // PAP goes on as before

	// Behind the second factor the system of the person is told that the password
	// has expired, and changes it by itself.
	const station = `Calling-Station-Id = "198.51.100.7"`
	asked := nas.Send(t, microsoft(mschaptest.New("mustchange", peer.SambaUserPassword), station)...)
	state := asked.Get("State")
	if len(state) != 1 {
		t.Fatalf("an expired password: %s", asked.Output)
	}
	got := nas.Send(t, microsoft(mschaptest.New("mustchange", seed.Code(t)), station, "State = "+state[0])...)
	if why := got.Get("MS-CHAP-Error"); got.Code != "Access-Reject" || len(why) != 1 || !strings.Contains(why[0], "E=648 ") {
		t.Errorf("the code: %s", got.Output)
	}
	fresh := mschaptest.New("mustchange", "Long3nough!")
	admitted(t, "the change", fresh, nas.Send(t, append(changing(fresh, peer.SambaUserPassword), station)...))
	if again := nas.Send(t, microsoft(mschaptest.New("mustchange", "Long3nough!"))...); again.Code != "Access-Challenge" {
		t.Errorf("the new password: %s", again.Output)
	}
}

// Where nothing can check a method, the log and check say what is missing.
func TestWhatNothingCanCheckIsRefused(t *testing.T) {
	t.Parallel()
	_, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{Client: `methods = ["pap", "chap", "mschapv2"]`})
	got := d.Radclient().Send(t, microsoft(mschaptest.New("alice", peer.UserPassword))...)
	if got.Code != "Access-Reject" || len(got.Get("MS-CHAP-Error")) != 1 {
		t.Errorf("MS-CHAPv2: %s", got.Output)
	}
	d.AwaitLog(t, `"reason":"method_not_allowed"`, "ldap.attributes.nt_hash or ldap.ntlm_auth")
	got = d.Radclient().Send(t, `User-Name = "alice"`, fmt.Sprintf("CHAP-Password = %q", peer.UserPassword), "Message-Authenticator = 0x00")
	if got.Code != "Access-Reject" {
		t.Errorf("CHAP: %s", got.Output)
	}
	d.AwaitLog(t, `"reason":"method_not_allowed"`, "CHAP: use PAP")
	r := d.Run(t, "", "check")
	if r.Code != 69 || !strings.Contains(r.Stdout, "may use mschapv2, which nothing can check") || !strings.Contains(r.Stdout, "may use chap, which nothing can check") {
		t.Errorf("check: code %d\n%s", r.Code, r.Stdout)
	}
}

// CHAP as FreeRADIUS' client computes it.
func TestCHAP(t *testing.T) {
	t.Parallel()
	_, d, _ := enrolled(t, peer.SlapdOptions{
		Data: fmt.Sprintf("dn: uid=clear,%s\nobjectClass: inetOrgPerson\nuid: clear\ncn: x\nsn: x\nuserPassword: secret\ndescription: secret\n\n", peer.SlapdPeople),
	}, server.Config{
		LDAP: "cleartext = \"description\"\n", Client: `methods = ["chap"]`,
		More: "\n[[rule]]\nusers = [\"clear\"]\nsecond_factor = \"none\"\n",
	})
	for password, want := range map[string]string{"secret": "Access-Accept", "Secret": "Access-Reject"} {
		got := d.Radclient().Send(t, `User-Name = "clear"`, fmt.Sprintf("CHAP-Password = %q", password), "Message-Authenticator = 0x00")
		if got.Code != want {
			t.Errorf("%s: %s", password, got.Output)
		}
	}
}
