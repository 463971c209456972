package login

// A Step is what the Flow answers: [Accept], [Reject], [Ask] or, when the answer
// is still to come, [Wait]. The set is closed.
//
//sumtype:decl
type Step interface{ step() }

// Accept lets the person in. Only this package can build a valid one, in the
// one function that has seen both factors proven or holds a decision whose
// rule needs none; the zero Accept is invalid and transports refuse it.
type Accept struct {
	account Account
	rule    string
	reason  Reason
	notice  string
	kept    []byte
	grant   []byte
	valid   bool
}

// Valid reports whether the Accept was built by the Flow.
func (a Accept) Valid() bool { return a.valid }

// Account is who was let in; reply attributes depend on it and on nothing else
// of the login, so they are the same whatever factor was used.
func (a Accept) Account() Account { return a.account }

// Rule names the rule that decided.
func (a Accept) Rule() string { return a.rule }

// Reason is ReasonOK, or why no second factor was asked for.
func (a Accept) Reason() Reason { return a.reason }

// Notice is a line for the person where the client shows one; may be empty.
func (a Accept) Notice() string { return a.notice }

// Kept is what the [Keeper] that proved the password wanted back; nil for all
// other secrets.
func (a Accept) Kept() []byte { return a.kept }

// Grant is what the [Granter] that found the password right gives the device;
// nil for all other directories.
func (a Accept) Grant() []byte { return a.grant }

// Reject is a decided "no". Text is what the person may know.
type Reject struct {
	Reason Reason
	Text   string
}

// Ask puts a question. Ticket names it and comes back with the answer.
type Ask struct {
	Text   string
	Echo   bool // whether what is typed may be shown (RFC 2869, section 5.10)
	Ticket Ticket
}

// A Ticket is a sealed envelope that holds everything a question needs, at
// most [MaxTicket] octets. Any node can open it, also after a restart.
type Ticket []byte

// MaxTicket is the room of one State attribute (RFC 2865, section 5.24).
const MaxTicket = 253

func (Accept) step() {}
func (Reject) step() {}
func (Ask) step()    {}
