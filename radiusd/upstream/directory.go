package upstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

// A Directory has servers decide about passwords. Its methods may be called at
// the same time.
type Directory struct {
	cfg        Config
	accounts   login.Directory // nil where there is none
	servers    []*server
	dictionary *dictionary.Dictionary
	allowed    map[dictionary.ID]bool
	stop       context.CancelFunc
	wg         sync.WaitGroup
}

var _ login.Granter = (*Directory)(nil)

// New makes a Directory of a configuration that Validate has nothing against.
// accounts knows who people are; with nil a name is all there is to know. It
// does not wait for any server.
func New(cfg Config, accounts login.Directory, log *slog.Logger) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Directory{cfg: cfg, accounts: accounts}
	var err error
	if d.dictionary, err = dictionary.Load(); err != nil {
		return nil, err
	}
	if d.allowed, err = cfg.allowed(); err != nil {
		return nil, err
	}
	for _, s := range cfg.Server {
		d.servers = append(d.servers, newServer(s, cfg.NASIdentifier, log))
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	for _, s := range d.servers {
		d.wg.Go(func() { s.tend(ctx) })
	}
	return d, nil
}

// Close ends the probing. The directory behind it stays open: it is its maker's.
func (d *Directory) Close() {
	d.stop()
	d.wg.Wait()
}

// Up reports whether any server answers, as far as is known.
func (d *Directory) Up() bool {
	for _, s := range d.servers {
		if s.up() {
			return true
		}
	}
	return false
}

// Verify has a server decide; see [login.Directory].
func (d *Directory) Verify(ctx context.Context, a login.Account, password login.Secret) error {
	_, err := d.Grant(ctx, a, password)
	return err
}

// nobodysName is asked about where nobody has the name that was typed.
const nobodysName = "portvakt-nobody"

// Grant has a server decide, and returns what it grants; see [login.Granter].
func (d *Directory) Grant(ctx context.Context, a login.Account, password login.Secret) ([]byte, error) {
	nobody := a.ID == ""
	if nobody {
		a.Name = nobodysName
	}
	if a.Name == "" {
		return nil, errors.New("upstream: account without a login name: set ldap.attributes.name")
	}
	request, err := requestFor(a.Name, password, nobody)
	if err != nil {
		return nil, err
	}
	reply, s, err := d.ask(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("check password: %w", err)
	}
	proof, _ := password.(*mschap.Proof)
	switch reply.Code {
	case client.AccessAccept:
		if nobody {
			return nil, fmt.Errorf("upstream %s accepts a name that it cannot have: no answer of it is believed", s.Name)
		}
		return d.granted(s, reply, proof)
	case client.AccessReject:
		return nil, refusal(s, reply, proof, nobody)
	case client.AccessChallenge:
		return nil, &login.Refusal{
			Reason: login.ReasonMethodNotAllowed,
			Detail: fmt.Sprintf("upstream %s asks a question of its own (Access-Challenge): have it check the password alone", s.Name),
		}
	default:
		return nil, fmt.Errorf("upstream %s answered an Access-Request with %v", s.Name, reply.Code)
	}
}

// A carried secret is a proof that goes on as it came. Where a name was hashed
// into it, it is good under that name alone.
type carried interface {
	login.Secret
	Carried() (user string, attributes []byte)
}

// maxPassword is the most octets of a User-Password (RFC 2865, section 5.2).
const maxPassword = 128

// requestFor is what a server is asked about an account.
func requestFor(name string, password login.Secret, nobody bool) (client.Request, error) {
	if c, ok := password.(carried); ok {
		user, attributes := c.Carried()
		switch {
		case nobody || user == "":
			user = name
		case !means(user, name):
			return client.Request{}, &login.Refusal{
				Reason: login.ReasonMethodNotAllowed,
				Detail: fmt.Sprintf("the name typed is hashed into the proof, and is another one than the account's, %q: type that one", name),
			}
		}
		return client.Request{User: user, Proof: true, Attributes: attributes}, nil
	}
	text, ok := password.Reveal()
	switch {
	case !ok:
		return client.Request{}, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "a proof that cannot be passed on"}
	case len(text) > maxPassword:
		return client.Request{}, &login.Refusal{Reason: login.ReasonBadRequest, Detail: "password longer than 128 octets"}
	// The padding of User-Password is NUL: what stands behind one, or all, would
	// not be part of the password.
	case strings.IndexByte(text, 0) >= 0:
		return client.Request{}, &login.Refusal{Reason: login.ReasonBadEncoding, Detail: "NUL in the password"}
	case text == "":
		return client.Request{}, &login.Refusal{Reason: login.ReasonEmptyPassword}
	}
	if nobody {
		text = rand.Text() // the one typed may be somebody's
	}
	return client.Request{User: name, Password: text}, nil
}

// refusal is what a server's no means.
func refusal(s *server, reply client.Reply, proof *mschap.Proof, nobody bool) error {
	r := &login.Refusal{Reason: login.ReasonBadPassword, Detail: "refused by upstream " + s.Name}
	if proof == nil || nobody {
		return r
	}
	if answer, err := mschap.ReadAnswer(reply.Attributes, proof.Ident()); err == nil && answer.Code != 0 {
		r.Reason = mschap.ReasonOf(answer.Code)
		r.Detail = fmt.Sprintf("%s, E=%d", r.Detail, answer.Code)
	}
	return r
}

// granted is what a server grants with a yes.
func (d *Directory) granted(s *server, reply client.Reply, proof *mschap.Proof) ([]byte, error) {
	var grant []byte
	if proof != nil {
		answer, err := mschap.ReadAnswer(reply.Attributes, proof.Ident())
		if err == nil && answer.Success == nil {
			err = errors.New("no MS-CHAP2-Success, so that the person's system would not believe it")
		}
		var keys []byte
		if err == nil {
			keys, err = mschap.OpenKeys(answer.Keys, []byte(s.Secret.Reveal()), reply.Authenticator[:])
		}
		if err != nil {
			return nil, fmt.Errorf("upstream %s accepts a proof of MS-CHAPv2: %w", s.Name, err)
		}
		grant = keys
	}
	for _, v := range d.dictionary.Decode(reply.Attributes) {
		if d.allowed[v.Attribute.ID()] {
			grant = v.Append(grant)
		}
	}
	if len(grant) > login.MaxGrant {
		return nil, fmt.Errorf("upstream %s grants %d octets of attributes, more than %d: name fewer in upstream.pass and in pass of reply rules", s.Name, len(grant), login.MaxGrant)
	}
	return grant, nil
}

// ask asks the servers in order until one answers. Each gets its share of the
// time that is left, so that one that is silent does not use up all of it.
func (d *Directory) ask(ctx context.Context, r client.Request) (client.Reply, *server, error) {
	var errs []error
	for i, s := range d.servers {
		if !s.mayAsk() {
			errs = append(errs, s.setAside())
			continue
		}
		reply, err := s.ask(ctx, r, 1+d.upBehind(i))
		if err == nil {
			return reply, s, nil
		}
		errs = append(errs, fmt.Errorf("upstream %s: %w", s.Name, err))
		if ctx.Err() != nil {
			break
		}
	}
	return client.Reply{}, nil, errors.Join(errs...)
}

func (d *Directory) upBehind(i int) (n int) {
	for _, s := range d.servers[i+1:] {
		if s.up() {
			n++
		}
	}
	return n
}

// share is an equal part of the time that a context has left.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	end, has := ctx.Deadline()
	if !has || parts < 2 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(parts))
}
