package attempts

import (
	"encoding/json"
	"reflect"
	"testing"
)

// Each field of an event must be in its line, whatever is in it.
func TestALineHasWhatJSONHas(t *testing.T) {
	t.Parallel()
	check := func(e event) {
		t.Helper()
		line, err := e.appendLine([]byte("before"))
		if err != nil || string(line[:6]) != "before" || line[len(line)-1] != '\n' {
			t.Fatalf("got %q %v", line, err)
		}
		var got event
		if err := json.Unmarshal(line[6:], &got); err != nil || got != e {
			t.Errorf("%s: got %+v %v, want %+v", line, got, err, e)
		}
	}
	check(event{})
	var all event
	for i := range reflect.TypeFor[event]().NumField() {
		var one event
		for _, text := range []string{"alice", `a"\<b>`, "ÅSE\n"} {
			for _, e := range []*event{&one, &all} {
				switch f := reflect.ValueOf(e).Elem().Field(i); f.Kind() {
				case reflect.String:
					f.SetString(text)
				case reflect.Int, reflect.Int64:
					f.SetInt(-int64(i) - 1)
				case reflect.Bool:
					f.SetBool(true)
				default:
					t.Fatalf("field %d is of a kind that this test does not know", i)
				}
			}
			check(one)
			check(all)
		}
	}
}
