package radiusd

import "testing"

// Two servers on one store: what the first has learned of a client holds, also
// when the second has learned something else since. Else an attacker would send
// to the server that knows less what makes the other one forget.
func TestWhatAnotherServerHasLearnedHolds(t *testing.T) {
	t.Parallel()
	kept := &records{}
	one := run(t, testConfig(), script(t), Options{Records: kept})
	two := run(t, testConfig(), script(t), Options{Records: kept}) // knows as little
	d := one.device(t, "127.0.0.1")
	d.ask(d.login("alice", "accept"))
	one.settledStats()
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	d = two.device(t, "127.0.0.1")
	d.ask(d.unsignedLogin("alice", "accept"))
	two.settledStats()
	if err := two.stop(); err != nil {
		t.Fatal(err)
	}
	if f := kept.fact(t, "nas"); f.Require != yes || f.Limit != yes {
		t.Errorf("kept %+v, want what the first has learned", f)
	}
	if st := two.Stats().Clients["nas"]; st.RequireMessageAuthenticator != yes {
		t.Errorf("the second goes by %s", st.RequireMessageAuthenticator)
	}
}
