package ldapauth

import (
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A packed is an account as the cache keeps it: the texts behind one another
// in one string, and groups whose names are shared with other people's.
type packed struct {
	text   string
	groups []string
	at     time.Duration // since the start of the cache, when the search began
}

// pack also returns the key of the account, which lies in the same string.
func pack(key string, a *login.Account) (string, packed) {
	active := ""
	if !a.Active.IsZero() {
		active = strconv.FormatInt(a.Active.Unix(), 36)
	}
	server := ""
	if a.Server > 0 {
		server = strconv.Itoa(int(a.Server))
	}
	n := len(key) + len(active) + len(server) + len(a.ID) + len(a.Name) + len(a.DN) + len(a.Mail) + len(a.Language) + len(a.PasswordSet)
	for _, p := range a.Phones {
		n += len(p) + binary.MaxVarintLen16
	}
	b := make([]byte, 0, n+9*binary.MaxVarintLen16)
	b = append(b, key...)
	for _, s := range [...]string{a.ID, a.Name, a.DN, a.Mail, a.Language, a.PasswordSet, active, server} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, s := range a.Phones {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	all := string(b)
	return all[:len(key)], packed{text: all[len(key):], groups: a.Groups}
}

// account takes a packed account apart; its texts share memory with it.
func (p packed) account() (a login.Account) {
	rest := p.text
	next := func() string {
		n, shift := 0, 0
		for i := range len(rest) {
			n |= int(rest[i]&0x7f) << shift
			if rest[i] < 0x80 {
				s := rest[i+1 : i+1+n]
				rest = rest[i+1+n:]
				return s
			}
			shift += 7
		}
		return ""
	}
	a.ID, a.Name, a.DN, a.Mail, a.Language, a.PasswordSet = next(), next(), next(), next(), next(), next()
	if unix, err := strconv.ParseInt(next(), 36, 64); err == nil {
		a.Active = time.Unix(unix, 0).UTC()
	}
	if server, err := strconv.ParseUint(next(), 10, 8); err == nil {
		a.Server = uint8(server)
	}
	for rest != "" {
		a.Phones = append(a.Phones, next())
	}
	a.Groups = p.groups
	return a
}

// maxShared bounds the names of groups that people share.
const maxShared = 16 << 10

// A sharing gives equal texts the same memory.
type sharing struct {
	mu    sync.Mutex
	texts map[string]string
}

// text returns the text of some octets, the one it returned before if it
// still has that.
func (s *sharing) text(b []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.texts[string(b)]; ok {
		return t
	}
	if s.texts == nil || len(s.texts) >= maxShared {
		s.texts = make(map[string]string)
	}
	t := string(b)
	s.texts[t] = t
	return t
}
