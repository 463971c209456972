package recovery

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/login"
)

// KindBypass is the kind of a credential that holds a bypass code, and the
// factor's name.
const KindBypass = "bypass"

const (
	// bypassLength is in digits: 30 bit, for a code that lives for hours, is
	// throttled, and is read out on the telephone. Tokens have 6 or 8.
	bypassLength = 9
	decimal      = "0123456789"

	// maxUses bounds for how many logins one bypass code can be good.
	maxUses = 20
	// maxTTL is the longest time that the service desk can give a code.
	maxTTL = 24 * time.Hour
	// clockSkew is how far the clocks of two nodes may be apart.
	clockSkew = 5 * time.Minute
)

// A Bypass is the factor "bypass": a code that the service desk gives somebody
// who has nothing else.
type Bypass struct {
	keys    keyring
	records login.Records
}

var _ login.Prompter = (*Bypass)(nil)

// NewBypass makes the factor, with keys as for [New].
func NewBypass(records login.Records, key []byte, old ...[]byte) (*Bypass, error) {
	keys, err := newKeyring(key, old)
	if err != nil {
		return nil, err
	}
	return &Bypass{keys: keys, records: records}, nil
}

// pass is a bypass code in a credential.
type pass struct {
	Digest  []byte    `json:"digest"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
}

func parsePass(c login.Credential) (pass, error) {
	var p pass
	if json.Unmarshal(c.Data, &p) != nil || len(p.Digest) != digestSize || p.Expires.IsZero() || p.Uses < 1 || p.Uses > maxUses {
		return pass{}, fmt.Errorf("bypass code %q: data is damaged", c.ID)
	}
	return p, nil
}

// NewCode makes a code that is good for some uses until it expires, and the
// credential that knows it. The code is shown once, as "123-456-789", and kept
// nowhere.
func (b *Bypass) NewCode(ttl time.Duration, uses int) (code string, c login.Credential, err error) {
	if ttl <= 0 || ttl > maxTTL {
		return "", login.Credential{}, fmt.Errorf("a bypass code for %s: it must be more than 0 and at most %s", ttl, maxTTL)
	}
	if uses < 1 || uses > maxUses {
		return "", login.Credential{}, fmt.Errorf("a bypass code for %d uses: it must be 1 to %d", uses, maxUses)
	}
	now := time.Now().UTC()
	c = login.Credential{ID: rand.Text(), Kind: KindBypass, Created: now}
	code = random(decimal, bypassLength)
	c.Data, err = json.Marshal(pass{Digest: b.keys.make(KindBypass, c.ID, code), Expires: now.Add(ttl), Uses: uses})
	if err != nil {
		return "", login.Credential{}, fmt.Errorf("bypass code: %w", err)
	}
	return code[:3] + "-" + code[3:6] + "-" + code[6:], c, nil
}

// Expired reports whether a bypass code cannot be used any more, so that its
// credential may be removed.
func (b *Bypass) Expired(c login.Credential, now time.Time) bool {
	p, err := parsePass(c)
	return err == nil && !now.Before(p.Expires)
}

// Remaining returns for how many logins a code is still good, and until when.
func (b *Bypass) Remaining(ctx context.Context, c login.Credential) (uses int, expires time.Time, err error) {
	p, err := parsePass(c)
	if err != nil {
		return 0, time.Time{}, err
	}
	v, err := get(ctx, b.records, KindBypass+"/"+c.ID)
	if err != nil {
		return 0, time.Time{}, err
	}
	used, err := decodeCount(v.Data)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("bypass code %q: %w", c.ID, err)
	}
	return max(0, p.Uses-used), p.Expires, nil
}

// Name returns "bypass".
func (b *Bypass) Name() string { return KindBypass }

// Methods returns a quiet method a code that has not expired: somebody who has
// nothing else is not enrolled any more.
func (b *Bypass) Methods(u login.User) []login.Method {
	now := time.Now()
	return methods(u, KindBypass, func(c login.Credential) bool { return !b.Expired(c, now) })
}

// Prompt does nothing: the code was given on the telephone.
func (b *Bypass) Prompt(context.Context, login.User, login.Method) ([]byte, error) { return nil, nil }

// Check decides whether the answer is the code, in its time and with a use
// left. An expired code is a wrong code.
func (b *Bypass) Check(ctx context.Context, u login.User, m login.Method, _ []byte, answer login.Secret) error {
	text, ok := answer.Reveal()
	if !ok {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "bypass codes need a client that sends the text"}
	}
	code, ok := normalize(text, decimal, bypassLength, func(c byte) byte { return c })
	if !ok {
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	c, err := credential(u, m, KindBypass)
	if err != nil {
		return err
	}
	p, err := parsePass(c)
	if err != nil {
		return err
	}
	if b.keys.find(KindBypass, c.ID, code, [][]byte{p.Digest}) < 0 {
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	now := time.Now()
	switch {
	case !now.Before(p.Expires):
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the bypass code has expired"}
	case now.Before(c.Created.Add(-clockSkew)):
		// A clock set back would bring expired codes to life.
		return errors.New("a bypass code is from the future: the clock of this node or of another is wrong")
	}
	return use(ctx, b.records, KindBypass+"/"+c.ID, func(record []byte) ([]byte, error) {
		used, err := decodeCount(record)
		if err != nil {
			return nil, err
		}
		if used >= p.Uses {
			return nil, &login.Refusal{Reason: login.ReasonUsedCode}
		}
		return encodeCount(used + 1), nil
	})
}

const formCount = 1

func encodeCount(n int) []byte {
	return binary.BigEndian.AppendUint16([]byte{formCount}, uint16(n)) //nolint:gosec // at most maxUses
}

func decodeCount(b []byte) (int, error) {
	if b == nil {
		return 0, nil
	}
	if len(b) != 3 || b[0] != formCount {
		return 0, errDamaged
	}
	return int(binary.BigEndian.Uint16(b[1:])), nil
}
