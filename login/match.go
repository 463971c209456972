package login

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// mismatch says why the rule does not decide, or "".
func (r *rule) mismatch(m *Membership, v Via, at time.Time) string {
	switch {
	case len(r.Clients) > 0 && !slices.Contains(r.Clients, v.Client):
		return "the client is not one of its clients"
	case len(r.ClientGroups) > 0 && !slices.Contains(r.ClientGroups, v.group()):
		return "the client is in none of its client groups"
	case len(r.Users) > 0 && !slices.ContainsFunc(r.Users, func(u string) bool { return strings.EqualFold(u, m.account.Name) }):
		return "the user is not one of its users"
	case len(r.Groups) > 0 && !slices.ContainsFunc(r.groups, m.In):
		return "the user is in none of its groups"
	case len(r.Networks) > 0 && !v.Address.IsValid():
		return "it has networks, and the client did not tell the device's address"
	case len(r.Networks) > 0 && !slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return n.Contains(v.Address.Unmap()) }):
		return "the device's address is in none of its networks"
	case len(r.Stations) > 0 && v.Station == "":
		return "it has stations, and the client did not tell the device's Calling-Station-Id"
	case len(r.Stations) > 0 && !slices.ContainsFunc(r.stations, newStationID(v.Station).matches):
		return "the device's Calling-Station-Id is none of its stations"
	case r.Hours != "" && !r.open(at):
		return "it is for " + r.Hours + ", and in " + r.Zone + " it is " + r.clock(at)
	case !r.Until.IsZero() && !at.Before(r.Until):
		return "it ended on " + r.Until.Format(time.RFC3339)
	case r.early(at) && r.Before == BeforeOff:
		return "it begins on " + r.From.Format(time.RFC3339)
	}
	return ""
}

// open is whether the time is one of the rule's hours: what a clock on the wall
// shows decides, so that an hour that summer time skips never comes, and one
// that comes twice counts twice.
func (r *rule) open(at time.Time) bool {
	if r.zone == nil {
		return false
	}
	at = at.In(r.zone)
	return slices.ContainsFunc(r.hours, func(s span) bool { return s.holds(at) })
}

func (r *rule) clock(at time.Time) string {
	if r.zone == nil {
		return "unknown"
	}
	return strings.ToLower(at.In(r.zone).Format("Mon 15:04"))
}
