package setup

import (
	"log/slog"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// MaxDatagram is the longest message that is sent over UDP: three fragments.
const MaxDatagram = 4000

var once = sync.OnceFunc(func() {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	sip.UDPMTUSize = MaxDatagram + 200 // it subtracts them
})

// Sipgo keeps sipgo's own log off, which shows messages with the numbers in
// them; and has it send longer messages: INVITEs with an answer to a challenge
// and the key of the sound are longer than the 1300 octets it lets pass over
// UDP, for which exchanges and IP have fragments.
func Sipgo() { once() }
