package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	maxDevices = 16 // remembered of an account
	maxPlace   = 64 // octets of a station's or group's name that are kept
)

// A device is where an account has proven a second factor lately, and is not
// asked for one again for a while.
type device struct {
	mark   [16]byte // see fingerprint
	proven int64    // Unix seconds of the second factor
	used   int64    // and of the last use
	// menu is of what was asked for then, see menuOf: another token or telephone
	// ends it.
	menu uint16
	// password tells whether the password is still the same, see checkOf.
	password uint16
	group    string
	station  string
	// logout is whether it counts only until its person ends a session on it.
	logout bool
}

// RememberKey is the key of the record of an account's remembered devices;
// deleting it forgets them.
func RememberKey(accountID string) string { return "remember/" + accountID }

// rememberVersion is that of the record. What an older one says of passwords is
// not understood any more: who is in it is asked once.
const rememberVersion = 3

var errRemember = errors.New("login: record of remembered devices cannot be read")

func encodeDevices(ds []device) []byte {
	b := []byte{rememberVersion, byte(len(ds))} //nolint:gosec // at most maxDevices
	for _, d := range ds {
		b = append(b, d.mark[:]...)
		b = appendTime(b, d.proven)
		b = appendTime(b, d.used)
		b = binary.BigEndian.AppendUint16(b, d.menu)
		b = binary.BigEndian.AppendUint16(b, d.password)
		b = append(b, flag(d.logout))
		b = appendPart(appendPart(b, d.group), d.station) // at most maxPlace each
	}
	return b
}

func decodeDevices(b []byte) ([]device, error) {
	const fixed = 16 + 8 + 8 + 2 + 2 + 1
	if len(b) < 2 || b[0] != rememberVersion || int(b[1]) > maxDevices {
		return nil, errRemember
	}
	ds := make([]device, b[1])
	b = b[2:]
	for i := range ds {
		if len(b) < fixed {
			return nil, errRemember
		}
		d := &ds[i]
		copy(d.mark[:], b)
		d.proven, d.used, d.menu = readTime(b[16:]), readTime(b[24:]), binary.BigEndian.Uint16(b[32:])
		d.password, d.logout = binary.BigEndian.Uint16(b[34:]), b[36] == 1
		b = b[fixed:]
		for _, s := range []*string{&d.group, &d.station} {
			part, rest, ok := cutPart(b)
			if !ok {
				return nil, errRemember
			}
			*s, b = string(part), rest
		}
	}
	if len(b) != 0 {
		return nil, errRemember
	}
	return ds, nil
}

// checkOf is what is kept of a password: another one has another check, but for
// one in 65,535. It is 0, and nothing is remembered by it, when it cannot be known
// later whether the password is still the same: nothing but that ends what is
// remembered of somebody whose password was stolen.
//
// The record is sealed, as all are. To who has the key too, 16 bits say too little
// to find a password by a word list; and since they are the same at all devices of
// an account, and in all copies of the store, they stay 16 (attack: putting together
// what many records tell). So that no two accounts have the same, the account is
// what they are keyed by.
//
// When the password was set counts beside it, where the directory tells: some
// domains let an old password in for an hour after it was changed.
func checkOf(a Account, password Secret) uint16 {
	kind, same := "text", []byte(nil)
	if text, ok := password.Reveal(); ok {
		same = []byte(text)
	} else if proof, ok := password.(Lasting); ok {
		kind, same = "proof", proof.Lasting()
	}
	if len(same) == 0 {
		return 0
	}
	mac := hmac.New(sha256.New, []byte(a.ID))
	for _, part := range [...][]byte{[]byte(kind), []byte(a.PasswordSet), same} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // of a packet or an entry
		mac.Write(part)
	}
	return max(binary.BigEndian.Uint16(mac.Sum(nil)), 1)
}

// fresh reports whether the device still counts under a decision. A time in the
// future, after a clock was set back, does not.
func (d *device) fresh(by Decision, now time.Time) bool {
	within := func(since int64, limit time.Duration) bool {
		age := now.Sub(time.Unix(since, 0))
		return age < limit && age > -time.Minute
	}
	return within(d.used, by.Remember) && within(d.proven, by.rememberMost())
}

// remembers reports whether sign-ins of this kind are remembered at all: by the
// rule, and where the client tells the device.
func (d Decision) remembers(v Via) bool { return d.Remember > 0 && v.Station != "" }

// rememberMost is the hard limit.
func (d Decision) rememberMost() time.Duration {
	return max(d.Remember, d.RememberMax)
}

// devicesRecord names the record in errors.
const devicesRecord = "remembered devices"

func devicesOf(ctx context.Context, r Records, account string) ([]device, uint64, error) {
	v, err := read(ctx, r, RememberKey(account), devicesRecord)
	return devicesIn(v), v.Rev, err
}

// devicesIn is none of a record that cannot be read: she is asked again, and it
// is written anew.
func devicesIn(v Value) []device {
	ds, err := decodeDevices(v.Data)
	if err != nil {
		return nil
	}
	return ds
}

// changeDevices writes what change makes of the devices of an account.
func changeDevices(ctx context.Context, r Records, account string, change func([]device) ([]device, error)) error {
	return rewrite(ctx, r, RememberKey(account), devicesRecord, func(v Value) ([]byte, error) {
		ds, err := change(devicesIn(v))
		if err != nil || len(ds) == 0 {
			return nil, err
		}
		return encodeDevices(ds), nil
	})
}

// menuOf sums up what a rule asks for: the methods, and what a call wants to hear.
// A group of clients may have several rules (attack: approving a call at a client
// where # is enough, to be let in by the same device where the PIN is asked for).
func (f *Flow) menuOf(methods []Method, d Decision) uint16 {
	calls := slices.ContainsFunc(methods, func(m Method) bool {
		_, ok := f.factor(m.Factor).(Approver)
		return ok
	})
	if calls && d.Call != "" {
		methods = append(slices.Clip(methods), Method{ID: "call=" + d.Call})
	}
	return menuSum(methods)
}

// remembered returns the proof of a second factor that was given on this device
// before, with a password of this check, or nil.
func (f *Flow) remembered(t *attempt, u User, d Decision, methods []Method, password uint16) (*factorProof, error) {
	if !d.remembers(t.Via) || password == 0 {
		return nil, nil //nolint:nilnil // none is no error
	}
	ds, rev, err := devicesOf(t.ctx, f.Records, u.Account.ID)
	if err != nil {
		return nil, err
	}
	mark := fingerprint(u.Account.ID, t.Via)
	i := slices.IndexFunc(ds, func(x device) bool { return x.mark == mark })
	if i < 0 || !ds[i].fresh(d, t.began) || ds[i].menu != f.menuOf(methods, d) ||
		d.ForgetOnLogout && !ds[i].logout || ds[i].password != password {
		return nil, nil //nolint:nilnil // none is no error
	}
	// Written now and then only: a tunnel that renegotiates each hour must not
	// cost a write each time.
	if used := t.began.Sub(time.Unix(ds[i].used, 0)); d.RememberMax > d.Remember && used > d.Remember/8 {
		ds[i].used = t.began.Unix()
		err := f.Records.Swap(t.ctx, RememberKey(u.Account.ID), rev, encodeDevices(ds))
		if err != nil && !errors.Is(err, ErrConflict) {
			return nil, fmt.Errorf("write remembered devices: %w", err)
		}
	}
	return &factorProof{account: u.Account.ID, method: "remembered", earlier: true}, nil
}

// remember keeps that a second factor was proven on this device, in the dialogue
// of q.
func (f *Flow) remember(t *attempt, u User, d Decision, methods []Method, q *question) error {
	if !d.remembers(t.Via) || q.password == 0 {
		return nil
	}
	fresh := device{
		mark: fingerprint(u.Account.ID, t.Via), proven: t.began.Unix(), used: t.began.Unix(), menu: f.menuOf(methods, d),
		password: q.password, group: clip(t.Via.group()), station: clip(t.Via.Station), logout: d.ForgetOnLogout,
	}
	return changeDevices(t.ctx, f.Records, u.Account.ID, func(ds []device) ([]device, error) {
		ds = slices.DeleteFunc(ds, func(x device) bool { return x.mark == fresh.mark })
		if len(ds) == maxDevices {
			oldest := slices.MinFunc(ds, func(a, b device) int { return int(a.used - b.used) })
			ds = slices.DeleteFunc(ds, func(x device) bool { return x.mark == oldest.mark })
		}
		return append(ds, fresh), nil
	})
}

func clip(s string) string {
	for len(s) > maxPlace {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// A RememberedDevice is one for the service desk.
type RememberedDevice struct {
	Group   string // of clients
	Station string // Calling-Station-Id
	Proven  time.Time
	Used    time.Time
}

// Devices lists where an account is not asked for a second factor, as far as
// its rule still says so.
func Devices(ctx context.Context, r Records, accountID string) ([]RememberedDevice, error) {
	ds, _, err := devicesOf(ctx, r, accountID)
	var all []RememberedDevice
	for _, d := range ds {
		all = append(all, RememberedDevice{Group: d.group, Station: d.station, Proven: time.Unix(d.proven, 0), Used: time.Unix(d.used, 0)})
	}
	return all, err
}

// ForgetDevices forgets one device of an account, counted from 1 as [Devices]
// lists them, or with 0 all.
func ForgetDevices(ctx context.Context, r Records, accountID string, which int) error {
	return changeDevices(ctx, r, accountID, func(ds []device) ([]device, error) {
		switch {
		case which < 0 || which > len(ds):
			return nil, fmt.Errorf("there is no device %d: there are %d", which, len(ds))
		case which == 0:
			return nil, nil
		}
		return slices.Delete(ds, which-1, which), nil
	})
}
