package login

import (
	"bytes"
	"testing"
)

// What is kept of a password is 16 bits of it, however many records of an
// account there are, and copies of them. Checks that were made anew with each
// record would together tell enough to find the password by a word list.
func TestRecordsTogetherTellNoMoreOfAPasswordThanOne(t *testing.T) {
	alice := Account{ID: "id-alice", Name: "alice"}
	renamed := Account{ID: "id-alice", Name: "alicia", DN: "cn=alicia"}
	if checkOf(alice, Cleartext("secret")) != checkOf(renamed, Cleartext("secret")) {
		t.Error("two sign-ins with one password have two checks")
	}
	differ := 0
	for i := range 64 {
		other := Account{ID: "id-" + string(rune('a'+i))}
		if checkOf(alice, Cleartext("secret")) != checkOf(other, Cleartext("secret")) {
			differ++
		}
	}
	if differ < 60 {
		t.Errorf("%d of 64 accounts with the same password have another check than alice", differ)
	}
	record := encodeDevices([]device{{password: checkOf(alice, Cleartext("secret"))}, {password: checkOf(alice, Cleartext("secret"))}})
	if again := encodeDevices([]device{{password: checkOf(renamed, Cleartext("secret"))}, {password: checkOf(renamed, Cleartext("secret"))}}); !bytes.Equal(record, again) {
		t.Error("the record has more than the check in it")
	}
}
