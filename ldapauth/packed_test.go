package ldapauth

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/portvakt/portvakt/login"
)

// Every field that an account has now or will have comes back.
func TestPackedAccountsAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 127, 128, 1024, maxDN} {
		var a login.Account
		fields := reflect.ValueOf(&a).Elem()
		for i := range fields.NumField() {
			switch f := fields.Field(i).Addr().Interface().(type) {
			case *string:
				*f = strings.Repeat(fmt.Sprint(i), n)
			case *[]string:
				*f = []string{strings.Repeat(fmt.Sprint(i), n), "ø", fields.Type().Field(i).Name}
			case *time.Time:
				*f = time.Unix(1_700_000_000+int64(n), 0).UTC()
			case *uint8:
				*f = uint8(n)
			case *bool: // Unverified: never one of a directory's
			default:
				t.Fatalf("%s: pack knows no %T", fields.Type().Field(i).Name, f)
			}
		}
		for _, a := range []login.Account{a, {}, {ID: a.ID}} {
			key, p := pack("alice", &a)
			if got := p.account(); key != "alice" || !reflect.DeepEqual(got, a) {
				t.Errorf("%d: got %q %+v, want %+v", n, key, got, a)
			}
		}
	}
}

func TestGroupsOfManyShareTheirNames(t *testing.T) {
	t.Parallel()
	var s sharing
	one, two := s.text([]byte("cn=staff")), s.text([]byte("cn=staff"))
	if one != "cn=staff" || unsafe.StringData(one) != unsafe.StringData(two) {
		t.Errorf("got %q and %q", one, two)
	}
	for i := range maxShared + 10 {
		s.text(fmt.Append(nil, i))
	}
	if len(s.texts) > maxShared {
		t.Errorf("%d names are kept, at most %d", len(s.texts), maxShared)
	}
}
