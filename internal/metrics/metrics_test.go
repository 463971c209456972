package metrics

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store/bolt"
)

// example is a daemon to which a little has happened.
func example() Facts {
	one := func(what string, n uint64) map[string]uint64 { return map[string]uint64{what: n} }
	vpn := radiusd.ClientStats{
		Dropped: one("busy", 2), Sent: one("accept", 3), Refused: one("bad_user_name", 0), Notes: one("old_secret_used", 1), InHand: 4, Held: 1,
		RequireMessageAuthenticator: "yes", Clock: radiusd.Clock{Patience: 25 * time.Second, GivesUp: 30 * time.Second},
	}
	box := radiusd.ClientStats{RequireMessageAuthenticator: "no", OverTLS: true, OnlyTLS: true, Connections: 20}
	gone := radiusd.ClientStats{Sent: one("accept", 1)}
	return Facts{
		Version: "1.2.3", Directory: true, Emergencies: 1, Unkept: 5,
		Authentication: radiusd.Stats{
			Received: 20, KernelDrops: 6, Kept: 7, Clients: map[string]radiusd.ClientStats{"vpn": vpn, "box": box, "gone": gone},
			CertificateEnds: time.Unix(21, 0),
			Nobody:          radiusd.ClientStats{Dropped: one("unknown_client", 8), Notes: one("read_error", 9)},
		},
		Accounting: &Accounting{Stats: radiusd.Stats{Received: 10, Clients: map[string]radiusd.ClientStats{
			"vpn": {Sent: one("accounting", 11)},
		}}, Sessions: 12, Active: 13},
		Store: &bolt.Stats{Swaps: 14, Commits: 15, CommitErrors: 16, Folds: 17, FoldErrors: 18, JournalBytes: 19},
	}
}

// events are one of each kind that counts otherwise.
func events(m *Metrics) {
	for _, e := range []login.Event{
		{Client: "vpn", Rule: "staff", Outcome: "accept", Method: "totp", Took: 20 * time.Millisecond, Directory: 3 * time.Millisecond, User: "alice"},
		{Client: "vpn", Rule: "staff", Outcome: "reject", Reason: login.ReasonFraud, Method: "call", Took: 20 * time.Second, Elsewhere: 19 * time.Second, Alarm: true},
		{Client: "vpn", Rule: "staff", Outcome: "accept", Emergency: "vpn", Took: time.Millisecond},
	} {
		m.Event(&e)
	}
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestSeries(t *testing.T) {
	t.Parallel()
	m := New(example)
	events(m)
	got := get(t, m.handler(), http.MethodGet, "/metrics").Body.String()
	for _, line := range []string{
		`portvakt_decisions_total{client="vpn",method="totp",outcome="accept",reason="",rule="staff"} 1`,
		`portvakt_decisions_total{client="vpn",method="call",outcome="reject",reason="fraud_reported",rule="staff"} 1`,
		`portvakt_alarms_total{client="vpn",reason="fraud_reported"} 1`,
		`portvakt_emergency_sign_ins_total{client="vpn"} 1`,
		`portvakt_decision_duration_seconds_bucket{outcome="accept",le="0.025"} 2`,
		`portvakt_decision_duration_seconds_bucket{outcome="reject",le="10"} 0`,
		`portvakt_decision_duration_seconds_bucket{outcome="reject",le="30"} 1`,
		`portvakt_directory_duration_seconds_sum 0.003`,
		`portvakt_directory_duration_seconds_count 1`,
		`portvakt_elsewhere_duration_seconds_sum{method="call"} 19`,
		`portvakt_directory_up 1`,
		`portvakt_emergency_mode 1`,
		`portvakt_attempts_dropped_total 5`,
		`portvakt_radius_received_total{port="authentication"} 20`,
		`portvakt_radius_received_total{port="accounting"} 10`,
		`portvakt_radius_lost_by_kernel_total{port="authentication"} 6`,
		`portvakt_radius_replies_kept{port="authentication"} 7`,
		`portvakt_radius_replies_total{client="vpn",port="authentication",reply="accept"} 3`,
		`portvakt_radius_replies_total{client="gone",port="authentication",reply="accept"} 1`,
		`portvakt_radius_replies_total{client="vpn",port="accounting",reply="accounting"} 11`,
		`portvakt_radius_dropped_total{client="vpn",port="authentication",reason="busy"} 2`,
		`portvakt_radius_dropped_total{client="",port="authentication",reason="unknown_client"} 8`,
		`portvakt_radius_refused_total{client="vpn",port="authentication",reason="bad_user_name"} 0`,
		`portvakt_radius_notes_total{client="vpn",note="old_secret_used",port="authentication"} 1`,
		`portvakt_radius_notes_total{client="",note="read_error",port="authentication"} 9`,
		`portvakt_radius_in_hand{client="vpn",port="authentication"} 4`,
		`portvakt_radius_held{client="vpn",port="authentication"} 1`,
		`portvakt_client_message_authenticator_required{client="vpn"} 1`,
		`portvakt_client_patience_seconds{client="vpn"} 25`,
		`portvakt_client_gives_up_seconds{client="vpn"} 30`,
		`portvakt_radsec_connections{client="box"} 20`,
		`portvakt_radsec_certificate_end_seconds 21`,
		`portvakt_accounting_sessions 12`,
		`portvakt_accounting_sessions_active 13`,
		`portvakt_store_changes_total 14`,
		`portvakt_store_commits_total 15`,
		`portvakt_store_commit_errors_total 16`,
		`portvakt_store_folds_total 17`,
		`portvakt_store_fold_errors_total 18`,
		`portvakt_store_journal_bytes 19`,
		`go_goroutines `,
		`process_start_time_seconds `,
	} {
		if !strings.Contains(got, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	for _, never := range []string{"alice", `client_patience_seconds{client="gone"}`} {
		if strings.Contains(got, never) {
			t.Errorf("there is %q", never)
		}
	}
	if !regexp.MustCompile(`portvakt_build_info\{go_version="go1\.[^"]+",version="1\.2\.3"\} 1`).MatchString(got) {
		t.Error("no version")
	}
}

// Names, units and helps are as Prometheus wants them.
func TestSeriesAreWellNamed(t *testing.T) {
	t.Parallel()
	m := New(example)
	events(m)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, namespace) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// docs/metrics.md has each series, and no other.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(portvakt_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		told[row[1]] = true
	}
	m := New(example)
	events(m)
	all, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if name := family.GetName(); strings.HasPrefix(name, namespace) && !told[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		} else {
			delete(told, name)
		}
	}
	if left := slices.Sorted(maps.Keys(told)); len(left) > 0 {
		t.Errorf("docs/metrics.md tells of %s, which there is not", left)
	}
}

// A daemon without them counts nothing.
func TestNoMetrics(t *testing.T) {
	t.Parallel()
	var m *Metrics
	events(m)
}

func TestWithoutAccountingAndStore(t *testing.T) {
	t.Parallel()
	m := New(func() Facts { return Facts{} })
	if n, err := testutil.GatherAndCount(m.registry, "portvakt_store_commits_total", "portvakt_accounting_sessions"); n != 0 || err != nil {
		t.Errorf("%d series, %v; want none", n, err)
	}
}

func BenchmarkEvent(b *testing.B) {
	m := New(example)
	e := login.Event{Client: "vpn", Rule: "staff", Outcome: "accept", Method: "totp", Took: 20 * time.Millisecond, Directory: 3 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.Event(&e)
	}
}
