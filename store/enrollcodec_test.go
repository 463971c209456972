package store

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
)

func sampleEnrollment() enrollment {
	return enrollment{Name: "ålice", Enrollment: login.Enrollment{
		Preferred: "sms/ABC", Language: "nb",
		Credentials: []login.Credential{
			{ID: "K1", Kind: "totp", Label: "phone", Data: []byte(`{"secret":"X"}`), Created: time.Unix(1764000000, 0).UTC()},
			{ID: "K2", Kind: "phone", Data: []byte(`{}`), Created: time.Unix(-62135596800, 0).UTC()},
		},
	}}
}

func TestAnEnrollmentIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, want := range []enrollment{{}, sampleEnrollment()} {
		got, err := decodeEnrollment("k", Value{Data: encodeEnrollment(want), Rev: 7})
		want.Rev = 7
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v %v\nwant %+v", got, err, want)
		}
	}
}

func FuzzEnrollment(f *testing.F) {
	f.Add(encodeEnrollment(sampleEnrollment()))
	f.Add([]byte{})
	f.Add([]byte{enrollVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeEnrollment("k", Value{Data: b, Rev: 1})
		if err != nil {
			return
		}
		again, err := decodeEnrollment("k", Value{Data: encodeEnrollment(r), Rev: 1})
		if err != nil || !bytes.Equal(encodeEnrollment(again), encodeEnrollment(r)) {
			t.Errorf("%x reads as %+v, which reads as %+v (%v)", b, r, again, err)
		}
	})
}
