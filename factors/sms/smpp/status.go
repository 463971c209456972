package smpp

import "fmt"

// A Status is a command_status (SMPP 3.4, section 5.1.3).
type Status uint32

const (
	statusOK          Status = 0x00
	statusBadCommand  Status = 0x03
	statusBadState    Status = 0x04
	statusBound       Status = 0x05
	statusSystem      Status = 0x08
	statusBadSource   Status = 0x0a
	statusBadTarget   Status = 0x0b
	statusBindFailed  Status = 0x0d
	statusBadPassword Status = 0x0e
	statusBadSystemID Status = 0x0f
	statusQueueFull   Status = 0x14
	statusSubmit      Status = 0x45
	statusSourceTON   Status = 0x48
	statusSourceNPI   Status = 0x49
	statusTargetTON   Status = 0x50
	statusTargetNPI   Status = 0x51
	statusSystemType  Status = 0x53
	statusThrottled   Status = 0x58
	statusExpiry      Status = 0x62
	statusTemporary   Status = 0x64
	statusPermanent   Status = 0x65
	statusRejected    Status = 0x66
	statusUnknown     Status = 0xff
)

// names are those an operator finds in the carrier's documents.
var names = map[Status]string{ //nolint:gosec // G101: names, no passwords
	statusOK:          "ESME_ROK",
	statusBadCommand:  "ESME_RINVCMDID, no such command",
	statusBadState:    "ESME_RINVBNDSTS, not bound for this",
	statusBound:       "ESME_RALYBND, bound already",
	statusSystem:      "ESME_RSYSERR, a fault of the SMSC",
	statusBadSource:   "ESME_RINVSRCADR, the sender is not allowed",
	statusBadTarget:   "ESME_RINVDSTADR, no such number",
	statusBindFailed:  "ESME_RBINDFAIL, bind refused",
	statusBadPassword: "ESME_RINVPASWD, wrong password",
	statusBadSystemID: "ESME_RINVSYSID, wrong system id",
	statusQueueFull:   "ESME_RMSGQFUL, queue full",
	statusSubmit:      "ESME_RSUBMITFAIL, not accepted",
	statusSourceTON:   "ESME_RINVSRCTON, type of the sender",
	statusSourceNPI:   "ESME_RINVSRCNPI, numbering plan of the sender",
	statusTargetTON:   "ESME_RINVDSTTON, type of the number",
	statusTargetNPI:   "ESME_RINVDSTNPI, numbering plan of the number",
	statusSystemType:  "ESME_RINVSYSTYP, wrong system type",
	statusThrottled:   "ESME_RTHROTTLED, too many messages",
	statusExpiry:      "ESME_RINVEXPIRY, validity not accepted",
	statusTemporary:   "ESME_RX_T_APPN",
	statusPermanent:   "ESME_RX_P_APPN",
	statusRejected:    "ESME_RX_R_APPN",
	statusUnknown:     "ESME_RUNKNOWNERR",
}

// String gives the number and the name, for logs.
func (s Status) String() string {
	if name := names[s]; name != "" {
		return fmt.Sprintf("status 0x%x (%s)", uint32(s), name)
	}
	return fmt.Sprintf("status 0x%x", uint32(s))
}

// throttles reports whether the SMSC asks for fewer messages.
func (s Status) throttles() bool { return s == statusThrottled || s == statusQueueFull }

// down reports whether the fault is the account's or the SMSC's, so that the
// next message would fare no better.
func (s Status) down() bool {
	switch s {
	case statusBadCommand, statusBadState, statusSystem, statusBadSource, statusBindFailed, statusBadPassword,
		statusBadSystemID, statusSourceTON, statusSourceNPI, statusTargetTON, statusTargetNPI, statusSystemType, statusExpiry:
		return true
	default:
		return false
	}
}

// credentials reports whether a bind was refused for what only a person can
// mend. Trying it often may lock the account.
func (s Status) credentials() bool {
	return s == statusBadPassword || s == statusBadSystemID || s == statusBindFailed || s == statusSystemType
}

// A refusal is an answer that is not "OK".
type refusal struct{ status Status }

func (r *refusal) Error() string { return r.status.String() }
