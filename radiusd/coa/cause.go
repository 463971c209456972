package coa

import "fmt"

// A Cause is an Error-Cause (RFC 5176, section 3.5).
type Cause uint32

// NotFound is the Cause of a device that has no such session (any more).
const NotFound Cause = 503

// causes say what a device means, and what to do about it.
var causes = map[Cause]struct{ name, means string }{
	201: {"Residual Session Context Removed", "the session was over, the device has forgotten the rest of it"},
	202: {"Invalid EAP Packet (Ignored)", "the device was given EAP that is none"},
	401: {"Unsupported Attribute", "the device does not take one of the attributes that name the session or are to change; see its manual for those it takes"},
	402: {"Missing Attribute", "the device wants an attribute that its accounting did not have; have it account for more"},
	403: {"NAS Identification Mismatch", "the request came to another device than the one that has the session; set the client's coa"},
	404: {"Invalid Request", "the device does not understand the request"},
	405: {"Unsupported Service", "the device does not do this to sessions on request, or must be told to"},
	406: {"Unsupported Extension", "the device does not know this kind of request"},
	407: {"Invalid Attribute Value", "the device does not take the value of an attribute"},
	501: {"Administratively Prohibited", "the device's configuration forbids this server to do that"},
	502: {"Request Not Routable", "a proxy on the way does not know where the device is"},
	503: {"Session Context Not Found", "the device has no such session any more"},
	504: {"Session Context Not Removable", "the device knows the session and cannot do that to it"},
	505: {"Other Proxy Processing Error", "a proxy on the way has failed"},
	506: {"Resources Unavailable", "the device is too busy; try again"},
	507: {"Request Initiated", "the device first signs the person in again"},
	508: {"Multiple Session Selection Unsupported", "more than one session goes by these attributes, and the device takes one at a time"},
}

// String has the number, the name and what it means.
func (c Cause) String() string {
	known, ok := causes[c]
	switch {
	case c == 0:
		return "it does not say why"
	case !ok:
		return fmt.Sprintf("Error-Cause %d", uint32(c))
	}
	return fmt.Sprintf("%d %s: %s", uint32(c), known.name, known.means)
}

// A Refused is the Disconnect-NAK or CoA-NAK of a device.
type Refused struct {
	Server string
	Cause  Cause
}

func (r *Refused) Error() string { return fmt.Sprintf("%s refused: %v", r.Server, r.Cause) }
