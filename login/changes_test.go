package login

import (
	"bytes"
	"context"
	"testing"
	"time"
)

// memory is Records of one test at a time.
type memory struct {
	values map[string]Value
	rev    uint64
}

func (m *memory) Get(_ context.Context, key string) (Value, error) {
	v, ok := m.values[key]
	if !ok {
		return Value{}, ErrNotFound
	}
	return v, nil
}

func (m *memory) Swap(_ context.Context, key string, rev uint64, data []byte) error {
	if m.values[key].Rev != rev {
		return ErrConflict
	}
	if m.rev++; m.values == nil {
		m.values = map[string]Value{}
	}
	m.values[key] = Value{Data: data, Rev: m.rev}
	if data == nil {
		delete(m.values, key)
	}
	return nil
}

func newKeeper() *Flow {
	m := &memory{}
	return &Flow{Config: Config{Records: m}, guards: guards{m}}
}

// Neither the store with its key nor a ticket alone tells a password.
func TestWhatIsKeptOfAChangeNeedsItsTicket(t *testing.T) {
	f := newKeeper()
	now := time.Now()
	until := now.Add(changeFor).Unix()
	a := &question{account: "id", key: [changeKeySize]byte{1}}
	b := &question{account: "id", key: [changeKeySize]byte{2}}
	for _, k := range []struct {
		q *question
		p passwords
	}{{a, passwords{old: "first old", until: until}}, {b, passwords{old: "second old", fresh: "second new", until: until}}, {a, passwords{old: "first old", fresh: "first new", until: until}}} {
		if err := f.keepChange(t.Context(), k.q, k.p, 1, now); err != nil {
			t.Fatal(err)
		}
	}
	v, err := f.Records.Get(t.Context(), ChangeKey("id"))
	if err != nil || bytes.Contains(v.Data, []byte("first")) || bytes.Contains(v.Data, []byte("second")) {
		t.Errorf("the record shows a password, or is not there: %q, %v", v.Data, err)
	}
	for _, row := range []struct {
		name string
		q    *question
		at   time.Time
		want passwords
	}{
		{"the first dialogue", a, now, passwords{"first old", "first new", until}},
		{"the second", b, now, passwords{"second old", "second new", until}},
		{"another key", &question{account: "id", key: [changeKeySize]byte{3}}, now, passwords{}},
		{"another account", &question{account: "other", key: a.key}, now, passwords{}},
		{"a quarter of an hour later", a, now.Add(changeFor), passwords{}},
		{"before the clock was set back", a, now.Add(-time.Hour), passwords{}},
	} {
		got, found, err := f.keptPasswords(t.Context(), row.q, row.at)
		if err != nil || got != row.want || found != (row.want != passwords{}) {
			t.Errorf("%s: found %v %v", row.name, found, err)
		}
	}
	if err := f.dropChange(t.Context(), a, now); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := f.keptPasswords(t.Context(), a, now); found {
		t.Error("what was dropped is still there")
	}
	if err := f.dropAll(t.Context(), changes, "id"); err != nil {
		t.Fatal(err)
	}
	if v, err := f.Records.Get(t.Context(), ChangeKey("id")); err == nil {
		t.Errorf("%d octets are left", len(v.Data))
	}
}
