package gateway

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login/logintest"
)

// folders are a spool that no program looks at.
func folders(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	return viaModem(func(c *Config) {
		c.Timeout = time.Second
		for name, key := range map[string]*string{
			"outgoing": &c.Modem.Spool, "checked": &c.Modem.Checked, "sent": &c.Modem.Sent, "failed": &c.Modem.Failed,
		} {
			*key = filepath.Join(dir, name)
			if err := os.Mkdir(*key, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// only is the one message in a folder.
func only(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v in %s, want one", entries, err, folder)
	}
	return filepath.Join(folder, entries[0].Name())
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, filepath.Join(to, filepath.Base(from))); err != nil {
		t.Fatal(err)
	}
}

func TestModemOutcomes(t *testing.T) {
	t.Parallel()
	// copied puts the message where smsd does before it removes it.
	copied := func(t *testing.T, path, folder string) {
		t.Helper()
		if err := os.Link(path, filepath.Join(folder, filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
	}
	gammu := func(c *Config) { c.Modem.Format, c.Modem.Checked = "gammu", "" }
	for _, row := range []struct {
		rule   string
		change func(*Config)
		smsd   func(t *testing.T, c Modem)
		want   string
	}{
		{"sent", nil, func(t *testing.T, c Modem) { move(t, only(t, c.Spool), c.Sent) }, "sent"},
		{"failed", nil, func(t *testing.T, c Modem) { move(t, only(t, c.Spool), c.Failed) }, "not sent"},
		{"taken, and not sent in time", nil, func(t *testing.T, c Modem) { move(t, only(t, c.Spool), c.Checked) }, "sent"},
		{"not taken", nil, func(*testing.T, Modem) {}, "not sent, down"},
		{"being copied", nil, func(t *testing.T, c Modem) {
			f, err := os.Open(only(t, c.Spool))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		}, "unknown"},
		{"copied and not yet removed", nil, func(t *testing.T, c Modem) { copied(t, only(t, c.Spool), c.Checked) }, "sent"},
		{"the folder is gone", nil, func(t *testing.T, c Modem) {
			move(t, only(t, c.Spool), c.Checked)
			if err := os.Remove(c.Spool); err != nil {
				t.Fatal(err)
			}
		}, "sent"},
		{"gammu: sent", gammu, func(t *testing.T, c Modem) { move(t, only(t, c.Spool), c.Sent) }, "sent"},
		{"gammu: failed", gammu, func(t *testing.T, c Modem) { move(t, only(t, c.Spool), c.Failed) }, "not sent"},
		{"gammu: on the air, or not looked at", gammu, func(*testing.T, Modem) {}, "unknown"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			cfg := folders(t)
			if row.change != nil {
				row.change(&cfg)
			}
			synctest.Test(t, func(t *testing.T) {
				m, err := newModem(cfg)
				if err != nil {
					t.Fatal(err)
				}
				result := make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_, err := m.Send(ctx, number(t), markText)
					result <- err
				}()
				time.Sleep(modemPoll / 2)
				row.smsd(t, cfg.Modem)
				err = <-result
				got := outcome(err)
				if not, ok := errors.AsType[*NotSent](err); ok && not.Down {
					got += ", down"
				}
				if got != row.want {
					t.Errorf("%s (%v), want %s", got, err, row.want)
				}
				if err != nil {
					AssertLeaksNothing(t, err.Error())
				}
			})
		})
	}
}

func TestModemFiles(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		format, number, text string
		name, content        string
	}{
		{"", "", "æ€@", "portvakt-*", "To: 4741234567\nAlphabet: GSM\n\n\x1d\x1be\x00"},
		{"smstools", "00", "ж", "portvakt-*", "To: 004741234567\nAlphabet: UCS\n\n\x04\x36"},
		{"gammu", "", "æ", "OUTC*_*_00_+4741234567_*.txt", "\xfe\xff\x00\xe6"},
		{"gammu", "national", "../../x", "OUTC*_*_00_41234567_*.txt", "\xfe\xff\x00.\x00.\x00/\x00.\x00.\x00/\x00x"},
	} {
		cfg := viaModem(func(c *Config) { c.Modem.Format, c.Number = row.format, row.number })
		m := &modem{cfg: cfg.Modem, number: cfg.numberFormat()}
		name, content := m.message(number(t), row.text)
		again, _ := m.message(number(t), row.text)
		if fits, err := filepath.Match(row.name, name); !fits || err != nil || name == again || strings.ContainsAny(name, "/\x00") {
			t.Errorf("names %q and %q, want two like %s", name, again, row.name)
		}
		if string(content) != row.content {
			t.Errorf("got %q, want %q", content, row.content)
		}
	}
}

func TestModemFilesAreForTheGroupOnly(t *testing.T) {
	t.Parallel()
	cfg := folders(t)
	m, err := newModem(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.put("message", []byte("x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(only(t, cfg.Modem.Spool))
	if err != nil || info.Mode() != modemFile {
		t.Errorf("%v, %v; want %o", info.Mode(), err, modemFile)
	}
}

func TestUnsafeFoldersAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule   string
		change func(t *testing.T, c *Modem)
		want   string
	}{
		{"everybody can send", func(_ *testing.T, c *Modem) { os.Chmod(c.Spool, 0o777) }, "spool: everybody can write to"},
		{"with the sticky bit too", func(_ *testing.T, c *Modem) { os.Chmod(c.Sent, 0o777|os.ModeSticky) }, "sent: everybody can write to"},
		{"everybody can say that it failed", func(_ *testing.T, c *Modem) { os.Chmod(c.Failed, 0o703) }, "failed: everybody can write to"},
		{"it is not there", func(_ *testing.T, c *Modem) { os.Remove(c.Checked) }, "checked: stat"},
		{"it is a file", func(t *testing.T, c *Modem) {
			c.Sent = filepath.Join(t.TempDir(), "file")
			os.WriteFile(c.Sent, nil, 0o600)
		}, "is not a folder"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			cfg := folders(t)
			good, err := New([]Config{cfg}, io.Discard, new(logintest.Log).Logger())
			if err != nil {
				t.Fatal(err)
			}
			if st := good.Check(t.Context())[0]; st.Err != nil {
				t.Errorf("before: %v", st.Err)
			}
			row.change(t, &cfg.Modem)
			if _, err := New([]Config{cfg}, io.Discard, new(logintest.Log).Logger()); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("at the start: got %v, want %q", err, row.want)
			}
			if cfg.Modem.Sent != good.links[0].Provider.(*modem).cfg.Sent {
				return
			}
			// What was safe at the start need not stay so.
			if st := good.Check(t.Context())[0]; st.Err == nil || !strings.Contains(st.Err.Error(), row.want) {
				t.Errorf("check: got %v, want %q", st.Err, row.want)
			}
			if got := outcome(good.Send(t.Context(), number(t), markText)); got != "not sent" {
				t.Errorf("%s, want not sent", got)
			}
		})
	}
}
