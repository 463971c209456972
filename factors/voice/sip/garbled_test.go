package sip

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestABadMessageEndsNothing sends, from where the exchange is, what no
// exchange says: without some headers, cut off, with other octets. Of requests
// more than a few a second are not let in.
func TestABadMessageEndsNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	during(t, func() {
		invite := f.next("INVITE")
		f.reply(invite, "180 Ringing", "")
		good := []string{}
		for _, status := range []string{"100 Trying", "183 Session Progress", "200 OK", "401 Unauthorized", "407 Proxy Authentication Required", "486 Busy Here", "500 Server Error"} {
			good = append(good, string(compose("SIP/2.0 "+status+"\nVia: "+header(invite, "Via")+"\nFrom: "+header(invite, "From")+"\nTo: "+header(invite, "To")+";tag=far\nCall-ID: "+header(invite, "Call-ID")+"x\nCSeq: "+header(invite, "CSeq")+"\nContact: <sip:x@127.0.0.1>\nRecord-Route: <sip:127.0.0.1;lr>\n", "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\n"+sdp)))
		}
		callID, tag := f.ids()
		for i, method := range []string{"INVITE", "BYE", "INFO", "UPDATE", "OPTIONS", "CANCEL", "ACK", "REFER"} {
			good = append(good, string(f.request(method, 100+i, callID, tag, "far", "Content-Type: application/dtmf\n\n5")))
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range bad {
			f.send(garbled(r, good[r.IntN(len(good))]))
		}
		f.reply(invite, "486 Busy Here", "")
	}, func() {
		_ = p.Call(t.Context(), (&person{}).call(t))
	})
	// Room for a good request comes back.
	for deadline := time.Now().Add(10 * time.Second); ; {
		f.send(f.request("OPTIONS", int(time.Now().UnixNano()%1e9), "another", "", "y", ""))
		_ = f.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		buf := make([]byte, 65536)
		if n, _, err := f.conn.ReadFrom(buf); err == nil && strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not answer any more")
		}
	}
}

const bad = 5000

func garbled(r *rand.Rand, msg string) []byte {
	lines := strings.SplitAfter(msg, "\r\n")
	for range 1 + r.IntN(3) {
		at := r.IntN(len(lines))
		switch r.IntN(6) {
		case 0: // without it
			lines[at] = ""
		case 1: // cut off
			lines[at] = lines[at][:r.IntN(len(lines[at])+1)]
		case 2: // an octet
			if b := []byte(lines[at]); len(b) > 0 {
				b[r.IntN(len(b))] = byte(r.Uint32())
				lines[at] = string(b)
			}
		case 3: // twice
			lines[at] += lines[at]
		case 4: // without what is behind it
			name, _, _ := strings.Cut(lines[at], ":")
			lines[at] = name + ":\r\n"
		case 5: // in other words
			lines[at] = strings.NewReplacer(";", "", "=", "", "<", ";", ">", "\"", "/", "", " ", "").Replace(lines[at])
		}
	}
	all := strings.Join(lines, "")
	if r.IntN(8) == 0 {
		all = all[:r.IntN(len(all)+1)]
	}
	return []byte(all)
}
