package peer

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// What the server of [FreeRADIUSDeciding] knows and grants.
const (
	// FreeRADIUSUser signs in with [FreeRADIUSPassword], by PAP, CHAP and
	// MS-CHAPv2.
	FreeRADIUSUser   = "alice"
	FreeRADIUSClass  = "class of the upstream"
	FreeRADIUSFilter = "filter-of-the-upstream"
	// FreeRADIUSMute is a name that it never answers about, FreeRADIUSAsks one
	// that it asks a question of its own, both whatever the password is.
	FreeRADIUSMute = "mute"
	FreeRADIUSAsks = "asks"
)

// FreeRADIUSLengths are people with passwords of as many octets as their names
// say, which [FreeRADIUSLength] makes.
var FreeRADIUSLengths = map[string]int{"long15": 15, "long16": 16, "long17": 17, "long127": 127, "long128": 128}

// FreeRADIUSLength is a password of n octets, no two of whose blocks are alike.
func FreeRADIUSLength(n int) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		text.WriteString(strconv.Itoa(i))
	}
	return text.String()[:n]
}

// FreeRADIUSDeciding starts FreeRADIUS as a server that decides about passwords
// and grants attributes, as one that is there already does when Portvakt comes.
// Every reply is signed, which this version does not do by itself.
func FreeRADIUSDeciding(t testing.TB) *FreeRADIUS {
	t.Helper()
	return freeRADIUSDeciding(t, true)
}

// FreeRADIUSUnsigned is FreeRADIUSDeciding as it comes: its replies have no
// Message-Authenticator.
func FreeRADIUSUnsigned(t testing.TB) *FreeRADIUS {
	t.Helper()
	return freeRADIUSDeciding(t, false)
}

func freeRADIUSDeciding(t testing.TB, signed bool) *FreeRADIUS {
	t.Helper()
	long := map[string]string{}
	for name, n := range FreeRADIUSLengths {
		long[name] = FreeRADIUSLength(n)
	}
	return startFreeRADIUS(t, freeRADIUSDecidingSite, map[string]any{
		"Signed": signed, "Long": long,
		"User": FreeRADIUSUser, "Password": FreeRADIUSPassword, "Class": FreeRADIUSClass, "Filter": FreeRADIUSFilter,
		"Mute": FreeRADIUSMute, "Asks": FreeRADIUSAsks,
	})
}

// Pause stops it from running without closing anything: it is silent. Continue
// goes on.
func (f *FreeRADIUS) Pause() { f.process.pause() }

// Continue ends a Pause.
func (f *FreeRADIUS) Continue() { f.process.signal(syscall.SIGCONT) }

// Asked is how many Access-Requests it has received so far.
func (f *FreeRADIUS) Asked() int { return strings.Count(f.Log(), "Received Access-Request") }

// Probed is how many Status-Servers it has received so far.
func (f *FreeRADIUS) Probed() int { return strings.Count(f.Log(), "Received Status-Server") }

const freeRADIUSDecidingSite = `
proxy_requests = no
modules {
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = yes
		require_encryption = yes
		require_strong = yes
	}
	always handled {
		rcode = handled
	}
	always ok {
		rcode = ok
	}
	always reject {
		rcode = reject
	}
}
server deciding {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		{{if .Signed}}
		update reply {
			&Message-Authenticator := 0x00
		}
		Autz-Type Status-Server {
			update reply {
				&Message-Authenticator := 0x00
			}
			ok
		}
		{{end}}
		if (&User-Name == "{{.Mute}}") {
			update control {
				&Response-Packet-Type := Do-Not-Respond
			}
			handled
		}
		if (&User-Name == "{{.Asks}}") {
			update reply {
				&Reply-Message := "Next token:"
			}
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			handled
		}
		if (&User-Name == "{{.User}}") {
			update control {
				&Cleartext-Password := "{{.Password}}"
			}
		}
		{{range $name, $password := .Long}}
		elsif (&User-Name == "{{$name}}") {
			update control {
				&Cleartext-Password := "{{$password}}"
			}
		}
		{{end}}
		else {
			reject
		}
		chap
		mschap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
		Auth-Type MS-CHAP {
			mschap
		}
	}
	post-auth {
		update reply {
			&Class := "{{.Class}}"
			&Filter-Id := "{{.Filter}}"
			&Session-Timeout := 3600
			&Reply-Message := "welcome upstream"
		}
	}
}
`
