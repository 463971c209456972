package e2e_test

import (
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Whoever asks at the desk's socket is the approver: the kernel says who that
// is, and nothing that is typed.
func TestAnApproverAtTheDesk(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	person := func(uid, groups string) string {
		return "dn: " + peer.UserDN(uid) + "\nobjectClass: inetOrgPerson\nuid: " + uid + "\ncn: " + uid + "\nsn: " + uid +
			"\nuserPassword: " + peer.UserPassword + "\n" + groups + "\n"
	}
	slapd := peer.StartSlapd(t, peer.SlapdOptions{
		Data: person(me.Username, "memberOf: "+peer.GroupDN("approvers")+"\n") + person("dora", "") +
			"dn: " + peer.GroupDN("approvers") + "\nobjectClass: groupOfNames\ncn: approvers\nmember: " + peer.UserDN(me.Username) + "\n",
	})
	dir := t.TempDir()
	desk := filepath.Join(dir, "desk.sock")
	site := server.New(t, server.Config{
		LDAP:   server.LDAP(slapd),
		Server: "reject_delay = \"0s\"\ndesk = \"" + desk + "\"\ndesk_group = \"" + group.Name + "\"",
		More: `
[[rule]]
name = "everybody"
second_factor = "required"
factors = ["totp"]
unenrolled = "enroll"
enroll_approval = "` + peer.GroupDN("approvers") + `"
`,
	})
	d := site.Start(t)
	enroll := func(who string) server.Seed {
		t.Helper()
		reply := exchange(t, d.Client(), who, "1", ask(t, d, who))
		key := appKey.FindString(reply.Message())
		seed := server.Seed(strings.ReplaceAll(key, " ", ""))
		if key == "" {
			t.Fatalf("no key in %q", reply.Message())
		}
		reply = exchange(t, d.Client(), who, seed.Code(t), reply.State())
		want(t, "the first code of "+who, reply, client.AccessReject)
		if !strings.Contains(reply.Message(), "waits for approval") {
			t.Errorf("%s is told %q", who, reply.Message())
		}
		return seed
	}
	approve := func(who string, more ...string) server.Result {
		t.Helper()
		return site.Run(t, "", append([]string{"desk", "--socket", desk, "user", "approve", who}, more...)...)
	}
	seed := enroll("dora")
	if r := approve("dora", "--by", "alice"); r.Code == 0 {
		t.Errorf("somebody says who she is at the desk: %s", r.Stdout)
	}
	if r := approve("dora"); r.Code != 0 || !strings.Contains(r.Stdout, "totp of dora counts now, approved by "+me.Username) {
		t.Errorf("approve: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	d.AwaitLog(t, `"msg":"service desk"`, `"kind":"approve"`, `"user":"dora"`)
	want(t, "the next code", exchange(t, d.Client(), "dora", seed.Next(t), ask(t, d, "dora")), client.AccessAccept)

	enroll(me.Username)
	if r := approve(me.Username); r.Code == 0 || !strings.Contains(r.Stderr, "nobody approves her own") {
		t.Errorf("an approver approves herself: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	for _, key := range []string{string(seed), shown(string(seed))} {
		if strings.Contains(d.Log(), key) {
			t.Error("the key of an app is in the log")
		}
	}
}

// shown is a key as people read it.
func shown(key string) string {
	var groups []string
	for ; len(key) > 4; key = key[4:] {
		groups = append(groups, key[:4])
	}
	return strings.Join(append(groups, key), " ")
}
