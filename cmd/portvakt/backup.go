package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/open"
)

func newBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the database, also while the daemon runs", Args: cobra.ExactArgs(1),
		Long: `Backup writes a consistent copy of the database. Its values are sealed as in
the database: keep store.key too, and not in the same place. FILE must not
exist.

A cluster is copied by its own command, etcdctl snapshot save: see
docs/cluster.md.`,
		Example: "  portvakt backup /var/backups/portvakt-$(date +%F).db",
		RunE: func(c *cobra.Command, args []string) error {
			return withFile(c, func(ctx context.Context, f conf.File, st *storage) error {
				if f.Store.Shared() {
					return withHint(errors.New("a cluster is not copied by this command: between two of its records others would be written"),
						"etcdctl snapshot save FILE copies all of it at one moment; keep store.key too, and not in the same place")
				}
				b, ok := st.raw.(interface {
					Backup(ctx context.Context, w io.Writer) error
				})
				if !ok {
					return errors.New("this kind of store makes no copies")
				}
				return writeNew(args[0], func(w io.Writer) error { return b.Backup(ctx, w) })
			})
		},
	}
}

// writeNew writes a file that must not exist, whole or not at all.
func writeNew(path string, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil {
		return withHint(fmt.Errorf("%s exists", path), "name a file that does not exist, or remove this one")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".portvakt-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when it was linked
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file made in the meantime.
	return os.Link(f.Name(), path)
}

func newRestoreCommand() *cobra.Command {
	var replace bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "Put a copy in the place of the database", Args: cobra.ExactArgs(1),
		Long: `Restore checks a copy made by backup and puts it where store.path says. The
daemon must not run. A database that is there is left alone, or with --replace
moved aside under another name. Codes used since the copy was made are known as
unused again, for as long as they would have been good.

With store.kind = "etcd" the records of the copy go into the cluster, which must
have none: so a server with a database of its own becomes the first node of a
cluster. No daemon may run. A snapshot that etcdctl has saved is restored by
etcdutl: see docs/cluster.md.`,
		Example: "  systemctl stop portvakt\n  portvakt restore --replace /var/backups/portvakt-2026-11-23.db\n  systemctl start portvakt",
		RunE: func(c *cobra.Command, args []string) error {
			f, _, log, err := load(c)
			if err != nil {
				return err
			}
			if f.Store.Shared() {
				return fill(c, f, log, args[0], replace)
			}
			err = bolt.Restore(args[0], f.Store.Path, replace)
			switch {
			case errors.Is(err, bolt.ErrExists):
				return withHint(err, "--replace moves it aside")
			case errors.Is(err, bolt.ErrInUse):
				return withCode(withHint(err, "stop the daemon first: systemctl stop portvakt"), exitUnavailable)
			case err != nil:
				return err
			}
			say(c.OutOrStdout(), "%s is in place\n", f.Store.Path)
			return nil
		},
	}
	c.Flags().BoolVar(&replace, "replace", false, "move a database that is there aside")
	return c
}

// fill puts the records of a copy into a cluster that has none.
func fill(c *cobra.Command, f conf.File, log *slog.Logger, path string, replace bool) error {
	if replace {
		return withCode(withHint(errors.New("--replace is for a file: what a cluster has is not moved aside"),
			"name another store.prefix, or remove what is there with etcdctl"), exitUsage)
	}
	n, err := open.Fill(c.Context(), f.Store, path, log)
	switch {
	case errors.Is(err, open.ErrNotEmpty):
		return withHint(err, "name another store.prefix; or, if it may all go: etcdctl del --prefix "+f.Store.Prefix)
	case err != nil && n > 0:
		return withHint(fmt.Errorf("%d records are there, not all: %w", n, err), "begin anew: etcdctl del --prefix "+f.Store.Prefix)
	case err != nil:
		return withCode(err, exitUnavailable)
	}
	say(c.OutOrStdout(), "%d records are in %s\n", n, f.Store.Place())
	return nil
}

func newRewrapCommand() *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use: "rewrap", Short: "Seal every value under the active key", Args: cobra.NoArgs,
		Long: `Rewrap finishes a change of the store's key: add a key to the key file, mark it
active, reload the daemon, rewrap, and only then remove the old key. It works
while the daemon runs and may be repeated.

With --remove-damaged it first removes, and names, the values that do not open.
Try "portvakt restore" before: whoever had enrolled there has to enroll again, and
codes and answers of the last minutes that were used may be used once more.`,
		Example: "  portvakt rewrap\n\n  # when no backup has what is damaged\n  portvakt rewrap --remove-damaged",
		RunE: func(c *cobra.Command, _ []string) error {
			return withStorage(c, func(ctx context.Context, st *storage) error {
				if remove {
					if err := open.RemoveDamaged(ctx, st.raw, st.ring, func(key string, why error) {
						say(c.OutOrStdout(), "removed %s: %v\n", key, why)
					}); err != nil {
						return err
					}
				}
				n, err := open.Rewrap(ctx, st.raw, st.ring)
				unopened, other := store.Unopened(err)
				if other != nil {
					return other
				}
				say(c.OutOrStdout(), "sealed %d values again\n", n)
				if unopened > 0 {
					return fmt.Errorf("not all values are sealed again: %w", err)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&remove, "remove-damaged", false, "remove values that do not open")
	return c
}
