package prompts

import (
	"slices"
	"strings"
)

// The clips of a language. Each is a whole sentence, or at least a clause, or a
// digit: sentences cut up into words sound wrong, and in some languages are
// wrong.
const (
	clipOrganisation = "organisation" // who calls; a site's own says its name
	clipService      = "service"      // what for; service-NAME says the name
	clipAddress      = "address"      // before the digits of an address
	clipPoint        = "point"        // between the numbers of an address
	clipApprove      = "approve"
	clipMatch        = "approve_match" // these two go on with then_hash
	clipPIN          = "approve_pin"
	clipThenPIN      = "then_pin"
	clipThenHash     = "then_hash"
	clipNotYou       = "not_you"
	clipCode         = "code"      // before the digits of a code
	clipOnceMore     = "once_more" // between them and the same again
	clipApproved     = "approved"
	clipDenied       = "denied"
	clipFraud        = "fraud"
	clipWrongMatch   = "wrong_match"
	clipAgain        = "again"
	clipTimeUp       = "time_up"
	clipGoodbye      = "goodbye"
	clipTestCall     = "test_call"
)

// servicePrefix begins the names of clips that say a service's name.
const servicePrefix = clipService + "-"

// The sentences with names in them, which only a site can record: "{service}"
// and "{organisation}" stand for the names.
const (
	textOrganisation = "organisation_named"
	textService      = "service_named"
)

// ClipNames are the names of the clips that each language has, in the order
// they are said.
func ClipNames() []string {
	return []string{
		clipOrganisation, clipService, clipAddress, clipPoint,
		clipApprove, clipMatch, clipPIN, clipThenPIN, clipThenHash, clipNotYou,
		clipCode, clipOnceMore, clipApproved, clipDenied, clipFraud,
		clipWrongMatch, clipAgain, clipTimeUp, clipGoodbye, clipTestCall,
		"0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
	}
}

// textNames are the keys of texts.toml.
func textNames() []string { return append(ClipNames(), textOrganisation, textService) }

// ServiceClip is the name of the clip that says the name of a service, which
// is that of its RADIUS client.
func ServiceClip(service string) string {
	return servicePrefix + strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:`, r) {
			return '-' // no part of a file's name everywhere
		}
		return r
	}, service)
}

// known reports whether a clip of this name may be said.
func known(clip string) bool {
	return slices.Contains(ClipNames(), clip) || len(clip) > len(servicePrefix) && strings.HasPrefix(clip, servicePrefix)
}
