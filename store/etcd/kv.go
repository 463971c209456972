package etcd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const (
	// pageKeys bounds what one request of a scan returns: with values of
	// [store.MaxData], 8 MiB.
	pageKeys = 128
	// pingAfter is how long a connection with requests under way may be silent
	// before it is asked for a sign of life: members do not like to be asked
	// more often (etcd's --grpc-keepalive-min-time), and grpc does not ask.
	pingAfter = 10 * time.Second
	// failingAfter is how many requests in a row fail before the cluster counts
	// as away: of three members one may be.
	failingAfter = 3
)

// A KV is a [store.KV] in a cluster. Use [Open].
type KV struct {
	client  *clientv3.Client
	prefix  string
	timeout time.Duration
	closed  atomic.Bool
	failed  atomic.Int32 // requests in a row
}

var _ store.KV = (*KV)(nil)

// Open makes a KV of a valid configuration. It connects when there is something
// to ask.
func Open(c store.Cluster) (*KV, error) {
	client, err := connect(c)
	if err != nil {
		return nil, err
	}
	return &KV{client: client, prefix: c.Prefix, timeout: c.Timeout}, nil
}

func connect(c store.Cluster) (*clientv3.Client, error) {
	t, err := c.TLS()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: c.Endpoints, TLS: t, DialTimeout: c.Timeout, DialKeepAliveTime: pingAfter, DialKeepAliveTimeout: c.Timeout,
		Logger: zap.NewNop(), // what goes wrong is in our errors
	})
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return client, nil
}

// Get returns the value of key, or [login.ErrNotFound].
func (kv *KV) Get(ctx context.Context, key string) (store.Value, error) {
	if err := ctx.Err(); err != nil {
		return store.Value{}, err
	}
	if err := store.ValidKey(key); err != nil {
		return store.Value{}, err
	}
	r, err := kv.read(ctx, kv.prefix+key)
	if err != nil {
		return store.Value{}, err
	}
	if len(r.Kvs) == 0 {
		return store.Value{}, login.ErrNotFound
	}
	return value(r.Kvs[0].Value, r.Kvs[0].ModRevision), nil
}

func value(data []byte, rev int64) store.Value {
	return store.Value{Data: data, Rev: uint64(rev)} //nolint:gosec // revisions count from 1
}

// Swap replaces the value that has revision rev. See the package about errors.
func (kv *KV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := store.ValidSwap(key, data); err != nil {
		return err
	}
	if rev > math.MaxInt64 {
		return login.ErrConflict // etcd never gave it
	}
	key = kv.prefix + key
	var change []clientv3.Op
	switch {
	case data != nil:
		change = []clientv3.Op{clientv3.OpPut(key, string(data))}
	case rev != 0:
		change = []clientv3.Op{clientv3.OpDelete(key)}
	}
	var same bool
	err := kv.within(ctx, func(ctx context.Context) error {
		// The ModRevision of a key that is not there is 0.
		r, err := kv.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", int64(rev))).Then(change...).Commit() //nolint:gosec // rev was compared
		if err == nil {
			same = r.Succeeded
		}
		return err
	})
	if err != nil {
		return err
	}
	if !same {
		return login.ErrConflict
	}
	return nil
}

// Scan calls fn for each key with the prefix in order. It reads page by page,
// each as it is then: fn may take its time, and an old revision of everything
// might be compacted away meanwhile.
func (kv *KV) Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	from, end := kv.prefix+prefix, clientv3.GetPrefixRangeEnd(kv.prefix+prefix)
	for {
		r, err := kv.read(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageKeys))
		if err != nil {
			return err
		}
		for _, e := range r.Kvs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(string(e.Key[len(kv.prefix):]), value(e.Value, e.ModRevision)); err != nil {
				return err
			}
		}
		if !r.More {
			return nil
		}
		from = string(r.Kvs[len(r.Kvs)-1].Key) + "\x00" // the first key behind it
	}
}

// read is linearizable, as all reads of etcd that do not ask for less. A member
// that knows no leader says so, and another one is asked.
func (kv *KV) read(ctx context.Context, key string, opts ...clientv3.OpOption) (r *clientv3.GetResponse, err error) {
	err = kv.within(ctx, func(ctx context.Context) (err error) {
		r, err = kv.client.Get(clientv3.WithRequireLeader(ctx), key, opts...)
		return err
	})
	return r, err
}

// within bounds a request.
func (kv *KV) within(ctx context.Context, do func(context.Context) error) error {
	if kv.closed.Load() {
		return store.ErrClosed
	}
	limited, cancel := context.WithTimeout(ctx, kv.timeout)
	defer cancel()
	err := do(limited)
	switch {
	case err == nil:
		kv.failed.Store(0)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case kv.closed.Load():
		return store.ErrClosed
	}
	kv.failed.Add(1)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("etcd: no answer within %v: its cluster may have no leader, or cannot be reached", kv.timeout)
	}
	return fmt.Errorf("etcd: %w", err)
}

// Failing reports whether the cluster is away: none of the latest requests was
// answered.
func (kv *KV) Failing() bool { return kv.failed.Load() >= failingAfter }

// Close closes the connections. What is written is durable already.
func (kv *KV) Close() error {
	if kv.closed.Swap(true) {
		return nil
	}
	if err := kv.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("etcd: %w", err)
	}
	return nil
}
