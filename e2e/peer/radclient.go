package peer

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Radclient is FreeRADIUS' command-line client.
type Radclient struct {
	// Server is the address and port to ask.
	Server string
	Secret string
	// Command is "auth" by default, "status" or "acct".
	Command string
	// Tries is how often a request is sent at most; 1 by default.
	Tries int
	// Timeout is how long each try waits; 5 seconds by default.
	Timeout time.Duration
}

// RadclientReply is a reply that radclient has verified.
type RadclientReply struct {
	// Code is "Access-Accept", "Access-Challenge", …; empty when no valid
	// reply came.
	Code string
	// Attributes are in the order of the packet, octets as "0x…".
	Attributes []RadclientAttribute
	// Output is all that radclient printed.
	Output string
}

// RadclientAttribute is one attribute as radclient names it.
type RadclientAttribute struct{ Name, Value string }

// Get returns the values of an attribute, in order.
func (r RadclientReply) Get(name string) []string {
	var values []string
	for _, a := range r.Attributes {
		if a.Name == name {
			values = append(values, a.Value)
		}
	}
	return values
}

// Send sends one request. Attributes are written as in a users file,
// `User-Name = "alice"`; `Message-Authenticator = 0x00` stands for a right one.
func (c Radclient) Send(t testing.TB, attributes ...string) RadclientReply {
	t.Helper()
	Need(t, "radclient")
	command, tries, timeout := c.Command, max(c.Tries, 1), c.Timeout
	if command == "" {
		command = "auth"
	}
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	cmd := exec.CommandContext(t.Context(), "radclient", "-x",
		"-r", strconv.Itoa(tries), "-t", fmt.Sprint(timeout.Seconds()), c.Server, command, c.Secret)
	cmd.Stdin = strings.NewReader(strings.Join(attributes, "\n") + "\n")
	// Its exit status is 1 for all but the answer it would like, so the
	// answer is what counts.
	output, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("run radclient: %v", err)
	}
	reply := parseRadclient(string(output))
	if reply.Code == "" && !strings.Contains(reply.Output, "Sent ") {
		t.Fatalf("radclient sent nothing:\n%s", output)
	}
	return reply
}

// parseRadclient reads what radclient -x prints:
//
//	Received Access-Accept Id 12 from 127.0.0.1:1812 to 127.0.0.1:40000 length 27
//		Filter-Id = "staff"
func parseRadclient(output string) RadclientReply {
	reply := RadclientReply{Output: output}
	inReply := false
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, "\t") {
			rest, received := strings.CutPrefix(line, "Received ")
			code, _, withID := strings.Cut(rest, " Id ")
			inReply = received && withID
			if inReply {
				reply.Code, reply.Attributes = code, nil
			}
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !inReply || !ok {
			continue
		}
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		reply.Attributes = append(reply.Attributes, RadclientAttribute{Name: name, Value: value})
	}
	// A reply that fails verification was received as well.
	if strings.Contains(output, "Reply verification failed") {
		reply.Code, reply.Attributes = "", nil
	}
	return reply
}
