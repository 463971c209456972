package recovery

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/portvakt/portvakt/login"
)

// KindRecovery is the kind of a credential that holds a set of recovery codes,
// and the factor's name.
const KindRecovery = "recovery"

const (
	setSize    = 10 // codes of a set
	codeLength = 10 // characters of a code: 50 bit

	// crockford leaves out I, L, O and U, which are misread or offend.
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// Warn is how few codes are left when a person should be told to make new ones.
const Warn = 3

// A Factor is the factor "recovery": codes that a person printed.
type Factor struct {
	keys    keyring
	records login.Records
}

var _ login.Prompter = (*Factor)(nil)

// New makes the factor. The key, of 32 octets or more, must not be in the
// store; codes made with old keys still count.
func New(records login.Records, key []byte, old ...[]byte) (*Factor, error) {
	keys, err := newKeyring(key, old)
	if err != nil {
		return nil, err
	}
	return &Factor{keys: keys, records: records}, nil
}

// set is a set of codes in a credential. It never grows or shrinks: the record
// counts its codes by their place.
type set struct {
	Digests [][]byte `json:"digests"`
}

func parseSet(c login.Credential) (set, error) {
	var s set
	if json.Unmarshal(c.Data, &s) != nil || len(s.Digests) == 0 || len(s.Digests) > setSize {
		return set{}, fmt.Errorf("recovery codes %q: data is damaged", c.ID)
	}
	for _, d := range s.Digests {
		if len(d) != digestSize {
			return set{}, fmt.Errorf("recovery codes %q: data is damaged", c.ID)
		}
	}
	return s, nil
}

// NewSet makes ten codes and the credential that knows them. The codes are
// shown once, as "XXXXX-XXXXX", and kept nowhere.
func (f *Factor) NewSet() (codes []string, c login.Credential, err error) {
	c = login.Credential{ID: rand.Text(), Kind: KindRecovery, Created: time.Now().UTC()}
	var s set
	for range setSize {
		code := random(crockford, codeLength)
		codes = append(codes, code[:codeLength/2]+"-"+code[codeLength/2:])
		s.Digests = append(s.Digests, f.keys.make(KindRecovery, c.ID, code))
	}
	if c.Data, err = json.Marshal(s); err != nil {
		return nil, login.Credential{}, fmt.Errorf("recovery codes: %w", err)
	}
	return codes, c, nil
}

// Remaining returns how many codes of a set are not used. At [Warn] a person
// should be told.
func (f *Factor) Remaining(ctx context.Context, c login.Credential) (int, error) {
	s, err := parseSet(c)
	if err != nil {
		return 0, err
	}
	v, err := get(ctx, f.records, KindRecovery+"/"+c.ID)
	if err != nil {
		return 0, err
	}
	used, err := decodeUsed(v.Data)
	if err != nil {
		return 0, fmt.Errorf("recovery codes %q: %w", c.ID, err)
	}
	return len(s.Digests) - bits.OnesCount16(used&(1<<len(s.Digests)-1)), nil
}

// Name returns "recovery".
func (f *Factor) Name() string { return KindRecovery }

// Methods returns a quiet method a set.
func (f *Factor) Methods(u login.User) []login.Method {
	return methods(u, KindRecovery, func(login.Credential) bool { return true })
}

// Prompt does nothing: the codes are on paper.
func (f *Factor) Prompt(context.Context, login.User, login.Method) ([]byte, error) { return nil, nil }

// Check decides whether the answer is a code of the set that was never used.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, _ []byte, answer login.Secret) error {
	text, ok := answer.Reveal()
	if !ok {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "recovery codes need a client that sends the text"}
	}
	code, ok := normalize(text, crockford, codeLength, asCrockford)
	if !ok {
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	c, err := credential(u, m, KindRecovery)
	if err != nil {
		return err
	}
	s, err := parseSet(c)
	if err != nil {
		return err
	}
	i := f.keys.find(KindRecovery, c.ID, code, s.Digests)
	if i < 0 {
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	return use(ctx, f.records, KindRecovery+"/"+c.ID, func(record []byte) ([]byte, error) {
		used, err := decodeUsed(record)
		if err != nil {
			return nil, err
		}
		if used&(1<<i) != 0 {
			return nil, &login.Refusal{Reason: login.ReasonUsedCode}
		}
		return encodeUsed(used | 1<<i), nil
	})
}

// asCrockford reads letters as people write them.
func asCrockford(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return c
}

const formUsed = 1

func encodeUsed(used uint16) []byte { return binary.BigEndian.AppendUint16([]byte{formUsed}, used) }

func decodeUsed(b []byte) (uint16, error) {
	if b == nil {
		return 0, nil
	}
	if len(b) != 3 || b[0] != formUsed {
		return 0, errDamaged
	}
	used := binary.BigEndian.Uint16(b[1:])
	if used>>setSize != 0 {
		return 0, errors.New("record has uses of codes that are not there")
	}
	return used, nil
}
