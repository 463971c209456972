package caps

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
)

// What is counted: the kinds of ledgers, as they are in the keys of records.
const (
	kindUser    = "user"
	kindNumber  = "number"
	kindCountry = "country"
	kindAll     = "all"
	kindWatch   = "watch"
)

// A ledger is one record: the windows of somebody who is counted.
type ledger struct {
	of      Service // whose uses are in it
	kind    string
	who     string // empty in the one of all
	windows []window
}

// key is the ledger's key in the records.
func (l ledger) key() string { return strings.TrimSuffix(prefix(l.of)+l.kind+"/"+l.who, "/") }

// prefix is what the keys of all ledgers of a service begin with.
func prefix(s Service) string { return string(s) + "/cap/" }

// windows are those of a kind of ledger; nil for one that there is not.
func (c Config) windows(kind string) []window {
	switch kind {
	case kindUser:
		return []window{{name: "per_user_hour", limit: c.PerUserHour, slot: 5 * time.Minute, slots: 12}}
	case kindNumber:
		return []window{
			{name: "per_number_10min", limit: c.PerNumber10Min, slot: time.Minute, slots: 10},
			{name: "per_number_day", limit: c.PerNumberDay, slot: time.Hour, slots: 24},
		}
	case kindCountry:
		return []window{{name: "per_country_hour", limit: c.PerCountryHour, slot: 5 * time.Minute, slots: 12, alarm: true}}
	case kindAll:
		return []window{{name: "per_day", limit: c.PerDay, slot: time.Hour, slots: 24, alarm: true}}
	case kindWatch:
		return []window{sentWindow, answerWindow, stoppedWindow}
	}
	return nil
}

// ledger is the one of who.
func (c *Caps) ledger(of Service, kind, who string) ledger {
	return ledger{of, kind, who, c.cfg.windows(kind)}
}

// user and number are of all services that reach a person at her telephones:
// whoever has her password gets no second budget by asking for a call.
func (c *Caps) user(account string) ledger {
	of := c.service.together()
	return c.ledger(of, kindUser, c.hash(of, account))
}

func (c *Caps) number(n phone.Number) ledger {
	return c.ledger(c.service.together(), kindNumber, n.ID(c.key))
}

// country and all bound a bill, and are of one service: a call costs ten times
// a message.
func (c *Caps) country(n phone.Number) ledger {
	return c.ledger(c.service, kindCountry, n.Country())
}

func (c *Caps) all() ledger { return c.ledger(c.service, kindAll, "") }

// hash keeps account ids, which may be names, and ranges out of keys.
func (c *Caps) hash(of Service, who string) string {
	const length = 16
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(string(of) + " cap user\x00" + who))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:length])
}
