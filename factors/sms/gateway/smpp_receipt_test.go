package gateway

import (
	"testing"

	"github.com/portvakt/portvakt/factors/sms/smpp"
)

func TestSMPPStates(t *testing.T) {
	t.Parallel()
	p := &smppProvider{cfg: Config{Name: "carrier"}}
	p.receipt(smpp.Receipt{MessageID: "before anybody listens"})
	var got Receipt
	smppReporter{p}.Report(func(r Receipt) { got = r })
	for _, row := range []struct {
		state smpp.State
		final bool
		want  State
	}{
		{smpp.Delivered, true, Delivered},
		{smpp.Expired, true, Failed},
		{smpp.Undeliverable, true, Failed},
		{smpp.Rejected, true, Failed},
		{smpp.Undeliverable, false, Pending}, // it is tried again
		{smpp.Accepted, false, Pending},
		{smpp.Unknown, false, Pending},
	} {
		p.receipt(smpp.Receipt{MessageID: "7", State: row.state, Final: row.final})
		if want := (Receipt{Provider: "carrier", ID: "7", State: row.want, Detail: string(row.state)}); got != want {
			t.Errorf("%s: got %+v, want %+v", row.state, got, want)
		}
	}
}
