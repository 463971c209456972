// Package reply decides which attributes a device is told about a person who
// was let in: her group, VLAN, filter, role.
//
// [New] compiles the [[reply]] blocks of the configuration against a
// dictionary and reports every problem at once; [Rules.For] then gives the
// octets for one login. They depend on the client and on the account alone,
// never on how the second factor was given.
//
// # Which rules count
//
// A rule matches when the client is among its clients, the account is in one
// of its groups and the account's name is among its users; a list that is
// empty matches everybody. All rules that match contribute, in the order of
// the file. When an earlier rule has set an attribute (with the same tag), a
// later one does not set it again, so special rules stand before general ones;
// a rule with add = true adds its values to those of earlier rules, for
// attributes that may come several times.
//
// What an upstream server grants beside ([Rules.Pass]) goes through, except an
// attribute that pass of some rule names: only those get it whom such a rule
// matches.
//
// # Values
//
// A value is a text, a number, or a list of both, which sends the attribute
// several times. A tag stands behind the name: "Tunnel-Type:1". In texts,
// {user} is the login name as the directory spells it, {mail} the e-mail
// address, and {groups:cn} makes one attribute for each group of the account,
// with the group's cn; {{ is a brace. Values from the directory are taken
// literally. An empty one leaves the attribute out; one that is no clean text
// or too long is left out too and reported, never cut: a group's name that was
// cut may be another group's name.
//
// # What it does not do
//
// It does not know which clients exist, nor which attributes belong into a
// reject or a challenge: its octets are for an Access-Accept only.
package reply
