package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/store"
)

// A Member is how one endpoint of a cluster is.
type Member struct {
	Endpoint string
	// Err is why it cannot be used; nil when it can.
	Err error
	// Expires is when its certificate ends; the zero time without one.
	Expires time.Time
	// Note is what else there is to know.
	Note string
}

// Check asks each endpoint of a configuration how it is.
func Check(ctx context.Context, c store.Cluster) []Member {
	members := make([]Member, len(c.Endpoints))
	done := make(chan struct{})
	for i, endpoint := range c.Endpoints {
		members[i].Endpoint = endpoint
		go func() {
			ctx, cancel := context.WithTimeout(ctx, 2*c.Timeout)
			defer cancel()
			members[i].check(ctx, c)
			done <- struct{}{}
		}()
	}
	for range members {
		<-done
	}
	return members
}

func (m *Member) check(ctx context.Context, c store.Cluster) {
	// The client tries again until its time is over, and has then forgotten why.
	if m.Err = m.dial(ctx, c); m.Err != nil {
		return
	}
	c.Endpoints = []string{m.Endpoint}
	client, err := connect(c)
	if err != nil {
		m.Err = err
		return
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	st, err := client.Status(ctx, m.Endpoint)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		m.Err = fmt.Errorf("takes connections and gives no answer within %v: is it an etcd, and does it want another certificate than store.cert?", c.Timeout)
		return
	case err != nil:
		m.Err = err
		return
	}
	m.Note = fmt.Sprintf("etcd %s, %d MiB", st.Version, (st.DbSize+1<<20-1)>>20)
	var problems []string
	if st.Leader == 0 {
		problems = append(problems, "knows no leader: the cluster has no majority, or this member does not reach it")
	}
	if st.IsLearner {
		problems = append(problems, "is a learner, which answers no questions: promote it, or remove it from store.endpoints")
	}
	for _, e := range st.Errors {
		if strings.Contains(e, "NOSPACE") {
			e += ": its space is used up and it takes no changes: see docs/cluster.md"
		}
		if !strings.Contains(e, "no leader") {
			problems = append(problems, e)
		}
	}
	if len(problems) > 0 {
		m.Err = errors.New(strings.Join(problems, "; "))
	} else if st.Leader == st.Header.MemberId {
		m.Note += ", leads"
	}
}

// dial makes a connection by itself, for the error it gives.
func (m *Member) dial(ctx context.Context, c store.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	t, err := c.TLS()
	if err != nil {
		return err
	}
	u, err := url.Parse(m.Endpoint)
	if err != nil {
		return err
	}
	if t == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	t.VerifyConnection = func(s tls.ConnectionState) error {
		m.Expires = s.PeerCertificates[0].NotAfter
		return nil
	}
	conn, err := (&tls.Dialer{Config: t}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	return conn.Close()
}
