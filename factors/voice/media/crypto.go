package media

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

// A suite is how SRTP packets are protected (RFC 4568, section 6.2).
type suite struct {
	name    string
	profile srtp.ProtectionProfile
}

// suites are what is offered, the best first.
var suites = [...]suite{
	{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80},
	{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32},
}

const (
	keyLength  = 16
	saltLength = 14
)

// replayWindow is how late an SRTP packet may be (RFC 3711, section 3.3.2, has
// at least 64).
const replayWindow = 128

// A suiteKey is a key and salt for a suite, by the tag of its line.
type suiteKey struct {
	tag int
	suite
	master [keyLength + saltLength]byte
}

// newKeys makes a key for each suite: one key is never used for two.
func newKeys() []suiteKey {
	keys := make([]suiteKey, len(suites))
	for i := range keys {
		keys[i].tag, keys[i].suite = i+1, suites[i]
		_, _ = rand.Read(keys[i].master[:]) // never fails (crypto/rand)
	}
	return keys
}

// line is the value of the a=crypto line (RFC 4568, section 4).
func (k *suiteKey) line() string {
	return fmt.Sprintf("%d %s inline:%s", k.tag, k.name, base64.StdEncoding.EncodeToString(k.master[:]))
}

func (k *suiteKey) context(opts ...srtp.ContextOption) (*srtp.Context, error) {
	return srtp.CreateContext(k.master[:keyLength], k.master[keyLength:], k.profile, opts...)
}

func (k *suiteKey) same(other *suiteKey) bool {
	return k.tag == other.tag && subtle.ConstantTimeCompare(k.master[:], other.master[:]) == 1
}

// chosen reads the line of an answer: which of our lines it accepts, and the
// far side's key. Errors never contain the line.
func chosen(line string, ours []suiteKey) (local, remote *suiteKey, err error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return nil, nil, fmt.Errorf("%w: its crypto line is cut off", ErrInsecure)
	}
	tag, err := strconv.Atoi(fields[0])
	if err != nil || tag < 1 || tag > len(ours) {
		return nil, nil, fmt.Errorf("%w: its crypto line has a tag that was not offered", ErrInsecure)
	}
	local = &ours[tag-1]
	if !strings.EqualFold(fields[1], local.name) {
		return nil, nil, fmt.Errorf("%w: its crypto line has another suite than was offered", ErrInsecure)
	}
	// Attack: UNENCRYPTED_SRTP or UNAUTHENTICATED_SRTP as a session parameter.
	// Only a hint about the window of replays changes nothing.
	for _, p := range fields[3:] {
		if !strings.HasPrefix(strings.ToUpper(p), "WSH=") {
			return nil, nil, fmt.Errorf("%w: its crypto line has parameters that were not offered", ErrInsecure)
		}
	}
	master, err := inline(fields[2])
	if err != nil {
		return nil, nil, err
	}
	remote = &suiteKey{tag: tag, suite: local.suite, master: master}
	// Attack: a reflector that answers with our own key.
	if remote.same(local) {
		return nil, nil, fmt.Errorf("%w: its key is ours", ErrInsecure)
	}
	return local, remote, nil
}

// inline reads "inline:key|lifetime". No lifetime is shorter than a call.
func inline(params string) (master [keyLength + saltLength]byte, err error) {
	const method = "inline:"
	if len(params) < len(method) || !strings.EqualFold(params[:len(method)], method) {
		return master, fmt.Errorf("%w: its key is not inline", ErrInsecure)
	}
	parts := strings.Split(params[len(method):], "|")
	if len(parts) > 2 || len(parts) == 2 && strings.Contains(parts[1], ":") || strings.Contains(params, ";") {
		return master, fmt.Errorf("%w: it has several keys (MKI)", ErrInsecure)
	}
	key, err := base64.StdEncoding.DecodeString(parts[0])
	if err != nil || len(key) != len(master) {
		return master, fmt.Errorf("%w: its key is not of %d octets", ErrInsecure, len(master))
	}
	return [keyLength + saltLength]byte(key), nil
}
