package login

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestProblemsOfEnrolling(t *testing.T) {
	enroll := func(c EnrollConfig) RuleConfig { return RuleConfig{Unenrolled: UnenrolledEnroll, EnrollConfig: c} }
	for _, c := range []struct {
		name string
		rule RuleConfig
		want string // part of the problem, or "" for none
	}{
		{"nothing but that", enroll(EnrollConfig{}), ""},
		{"everything", RuleConfig{Unenrolled: UnenrolledEnroll, Factors: []string{"sms", "totp"}, EnrollConfig: EnrollConfig{Enrollable: []string{"totp"}, Dormant: 15, Approval: "cn=a,dc=b"}}, ""},
		{"keys without a meaning", RuleConfig{EnrollConfig: EnrollConfig{Dormant: 30}}, "have no meaning unless"},
		{"an approval without a meaning", RuleConfig{Unenrolled: UnenrolledDeny, EnrollConfig: EnrollConfig{Approval: "cn=a,dc=b"}}, "have no meaning unless"},
		{"for those who have one", RuleConfig{SecondFactor: SecondNone, Users: []string{"x"}, Unenrolled: UnenrolledEnroll}, "require a second factor"},
		{"a factor that the rule does not allow", RuleConfig{Unenrolled: UnenrolledEnroll, Factors: []string{"sms"}, EnrollConfig: EnrollConfig{Enrollable: []string{"totp"}}}, "enroll_factors: \"totp\""},
		{"days that Active Directory cannot tell", enroll(EnrollConfig{Dormant: 14}), "enroll_dormant"},
		{"too many days", enroll(EnrollConfig{Dormant: 3651}), "enroll_dormant"},
		{"negative days", enroll(EnrollConfig{Dormant: -2}), "enroll_dormant"},
		{"accounts however long unused", enroll(EnrollConfig{Dormant: -1}), ""},
		{"a group without its place", enroll(EnrollConfig{Approval: "approvers"}), "enroll_approval"},
		{"offered before a date, and then not", RuleConfig{From: time.Now(), Before: BeforeEnroll}, "before: \"enroll\" is for"},
	} {
		err := c.rule.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if w := enroll(EnrollConfig{}).Warnings(); len(w) != 1 || !strings.Contains(w[0], "enroll_from") {
		t.Errorf("enrolling from anywhere: warnings %q", w)
	}
	if w := enroll(EnrollConfig{Approval: "cn=a,dc=b"}).Warnings(); len(w) != 0 {
		t.Errorf("with four eyes: warnings %q", w)
	}
}

func TestDaysLeft(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]string{
		time.Second: "1", 24 * time.Hour: "1", 24*time.Hour + 1: "2", 5 * 24 * time.Hour: "5",
	} {
		if got := daysTo(now.Add(left), now); got != want {
			t.Errorf("%s: got %s days, want %s", left, got, want)
		}
	}
}

func TestATicketKeepsItsTopic(t *testing.T) {
	for topic := range lastTopic + 1 {
		for _, approval := range []bool{false, true} {
			q := &question{topic: topic, approval: approval, memo: make([]byte, 8), account: "a", issued: time.Unix(1, 0)}
			ticket, err := q.seal(plainSealer{}, "alice", "vpn")
			if err != nil {
				t.Fatal(err)
			}
			back, err := openTicket(plainSealer{}, ticket, "alice", "vpn")
			if err != nil || back.topic != topic || back.approval != approval {
				t.Errorf("got %+v, %v, want topic %d", back, err, topic)
			}
		}
	}
	ticket, err := (&question{topic: lastTopic + 1}).seal(plainSealer{}, "alice", "vpn")
	if err != nil {
		t.Fatal(err)
	}
	if q, err := openTicket(plainSealer{}, ticket, "alice", "vpn"); err == nil {
		t.Errorf("a topic of another version is taken: %+v", q)
	}
}

// damaged has one record.
type damaged struct {
	Records
	data []byte
}

func (d damaged) Get(context.Context, string) (Value, error) { return Value{Data: d.data, Rev: 1}, nil }

// It may say that somebody was refused, so it is not taken for nothing.
func TestADamagedRecordOfAFirstEnrollmentIsAnError(t *testing.T) {
	for _, data := range []string{"", "{", `{"waiting":7}`} {
		if n, _, err := NewcomerOf(t.Context(), damaged{data: []byte(data)}, "a"); err == nil {
			t.Errorf("%q: got %+v", data, n)
		}
	}
	now := time.Now()
	r := &written{damaged: damaged{data: []byte("{")}}
	if err := ForgetNewcomer(t.Context(), r, "a", now); err != nil {
		t.Fatal(err)
	}
	if n, _, err := NewcomerOf(t.Context(), r, "a"); err != nil || !n.Refused(now) {
		t.Errorf("forgotten: got %+v, %v, want one who was refused", n, err)
	}
}

// written is a record that can be changed.
type written struct{ damaged }

func (w *written) Swap(_ context.Context, _ string, _ uint64, data []byte) error {
	w.data = data
	return nil
}

func TestARuleSaysHowPeopleEnroll(t *testing.T) {
	c := EnrollConfig{Enrollable: []string{"totp"}, Dormant: 20, Approval: "cn=a,dc=b"}
	for _, row := range []struct{ has, want EnrollConfig }{{c, c}, {EnrollConfig{}, EnrollConfig{Dormant: DefaultDormant}}} {
		p, err := NewPolicy([]RuleConfig{{Unenrolled: UnenrolledEnroll, EnrollConfig: row.has}})
		if err != nil {
			t.Fatal(err)
		}
		if d := p.For(Account{}, Via{}, noon); !reflect.DeepEqual(d.Enroll, row.want) || d.Unenrolled != UnenrolledEnroll {
			t.Errorf("got %s, want %+v", fmt.Sprintf("%+v", d), row.want)
		}
	}
}
