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
	// salt, the attempt's id, and password tell whether the password is still
	// the same, to one in 65,535: too little to guess a password by, and enough
	// to notice a change of one.
	salt     [5]byte
	password uint16
	group    string
	station  string
	// logout is whether it counts only until its person ends a session on it.
	logout bool
}

// RememberKey is the key of the record of an account's remembered devices;
// deleting it forgets them.
func RememberKey(accountID string) string { return "remember/" + accountID }

// Versions of the record. Only one with a device that counts until a logout is
// of the second, so that all others are read by nodes that do not know of it.
const (
	rememberVersion       = 1
	rememberVersionLogout = 2
)

var errRemember = errors.New("login: record of remembered devices cannot be read")

func encodeDevices(ds []device) []byte {
	version := byte(rememberVersion)
	if slices.ContainsFunc(ds, func(d device) bool { return d.logout }) {
		version = rememberVersionLogout
	}
	b := []byte{version, byte(len(ds))} //nolint:gosec // at most maxDevices
	for _, d := range ds {
		b = append(b, d.mark[:]...)
		b = appendTime(b, d.proven)
		b = appendTime(b, d.used)
		b = binary.BigEndian.AppendUint16(b, d.menu)
		b = append(b, d.salt[:]...)
		b = binary.BigEndian.AppendUint16(b, d.password)
		b = appendPart(appendPart(b, d.group), d.station) // at most maxPlace each
		if version == rememberVersionLogout {
			b = append(b, flag(d.logout))
		}
	}
	return b
}

func decodeDevices(b []byte) ([]device, error) {
	const fixed = 16 + 8 + 8 + 2 + 5 + 2
	if len(b) < 2 || b[0] != rememberVersion && b[0] != rememberVersionLogout || int(b[1]) > maxDevices {
		return nil, errRemember
	}
	flagged := b[0] == rememberVersionLogout
	ds := make([]device, b[1])
	b = b[2:]
	for i := range ds {
		if len(b) < fixed {
			return nil, errRemember
		}
		d := &ds[i]
		copy(d.mark[:], b)
		d.proven, d.used, d.menu = readTime(b[16:]), readTime(b[24:]), binary.BigEndian.Uint16(b[32:])
		copy(d.salt[:], b[34:])
		d.password = binary.BigEndian.Uint16(b[39:])
		b = b[fixed:]
		for _, s := range []*string{&d.group, &d.station} {
			part, rest, ok := cutPart(b)
			if !ok {
				return nil, errRemember
			}
			*s, b = string(part), rest
		}
		if flagged {
			if len(b) < 1 {
				return nil, errRemember
			}
			d.logout, b = b[0] == 1, b[1:]
		}
	}
	if len(b) != 0 {
		return nil, errRemember
	}
	return ds, nil
}

// checkOf is what is kept of a password, see device; 0 when the client sent only
// a proof of it.
func checkOf(salt [5]byte, password Secret) uint16 {
	text, ok := password.Reveal()
	if !ok {
		return 0
	}
	mac := hmac.New(sha256.New, salt[:])
	mac.Write([]byte(text))
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
// before, or nil.
func (f *Flow) remembered(t *attempt, u User, d Decision, methods []Method, password Secret) (*factorProof, error) {
	if !d.remembers(t.Via) {
		return nil, nil //nolint:nilnil // none is no error
	}
	ds, rev, err := devicesOf(t.ctx, f.Records, u.Account.ID)
	if err != nil {
		return nil, err
	}
	mark := fingerprint(u.Account.ID, t.Via)
	i := slices.IndexFunc(ds, func(x device) bool { return x.mark == mark })
	if i < 0 || !ds[i].fresh(d, t.began) || ds[i].menu != f.menuOf(methods, d) ||
		d.ForgetOnLogout && !ds[i].logout || ds[i].password == 0 || checkOf(ds[i].salt, password) != ds[i].password {
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
// of q. What the client sent only a proof of is not remembered: nobody could
// tell later that the password has changed.
func (f *Flow) remember(t *attempt, u User, d Decision, methods []Method, q *question) error {
	if !d.remembers(t.Via) || q.password == 0 {
		return nil
	}
	fresh := device{
		mark: fingerprint(u.Account.ID, t.Via), proven: t.began.Unix(), used: t.began.Unix(), menu: f.menuOf(methods, d),
		salt: q.attempt, password: q.password, group: clip(t.Via.group()), station: clip(t.Via.Station), logout: d.ForgetOnLogout,
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
