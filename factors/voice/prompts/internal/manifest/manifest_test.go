package manifest

import (
	"reflect"
	"testing"
)

func TestAManifestIsReadAsWritten(t *testing.T) {
	m := Manifest{
		Voice: "nb", Remark: "a remark of words", Program: "a program 1.51", Options: "-s 155 -z",
		Clips: map[string]Sums{"approve": Of("Press hash.", []byte("sound")), "0": Of("zero", []byte("other sound"))},
	}
	got, err := Parse(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v, want %+v", got, m)
	}
	if m.Clips["approve"].Text == m.Clips["0"].Text || m.Clips["approve"].File == m.Clips["0"].File {
		t.Error("different clips have the same sums")
	}
	for _, bad := range []string{"clip approve\n", "something else\n"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
