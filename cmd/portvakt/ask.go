package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/internal/roots"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

const askHelp = `Ask is a RADIUS client: it sends a name and a password to a server, shows each
question and sends the answer, as a VPN concentrator does, and prints what came
back. It is also a health check: --status sends a Status-Server request.

The shared secret is read from a file or from the environment, so that it is in
no list of processes.`

const askExamples = `  # the whole dialogue, typed
  portvakt ask --server 127.0.0.1:1812 --secret-file vpn.secret alice

  # in a script: the password and the answers, one a line
  printf 'wonderland\n123456\n' | portvakt ask --secret-env RADIUS_SECRET alice

  # over TLS, as a device that has this certificate
  portvakt ask --server radius.example.org:2083 --tls-ca ca.pem --tls-cert vpn.example.org.pem --tls-key vpn.example.org.key alice

  # a health check for a monitor; exit code 0 when the server answers
  portvakt ask --secret-file vpn.secret --status`

type askOptions struct {
	server, secretFile, secretEnv, station, nas string
	tlsCA, tlsCert, tlsKey                      string
	timeout                                     time.Duration
	tries                                       int
	status                                      bool
}

func newAskCommand() *cobra.Command {
	var o askOptions
	c := &cobra.Command{
		Use: "ask [USER]", Short: "Sign in through a RADIUS server, as a client does", Long: askHelp, Example: askExamples,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	f := c.Flags()
	f.StringVar(&o.server, "server", "127.0.0.1:1812", "address and port of the server")
	f.StringVar(&o.secretFile, "secret-file", "", "file with the shared secret")
	f.StringVar(&o.secretEnv, "secret-env", "", "environment variable with the shared secret")
	f.StringVar(&o.tlsCA, "tls-ca", "", "file with the authorities of the server's certificate; asks over TLS")
	f.StringVar(&o.tlsCert, "tls-cert", "", "file with the certificate to show it")
	f.StringVar(&o.tlsKey, "tls-key", "", "file with the key of that")
	f.StringVar(&o.station, "station", "", "Calling-Station-Id to send")
	f.StringVar(&o.nas, "nas-identifier", "portvakt-ask", "NAS-Identifier to send")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "how long to wait before each retransmission")
	f.IntVar(&o.tries, "tries", 3, "how often to send a request before giving up")
	f.BoolVar(&o.status, "status", false, "send a Status-Server request instead")
	return c
}

func (o *askOptions) run(c *cobra.Command, args []string) error {
	value, err := o.secret()
	if err != nil {
		return err
	}
	overTLS, err := o.overTLS()
	if err != nil {
		return err
	}
	cl := client.Client{
		Server: o.server, Secret: value, TLS: overTLS, Timeout: o.timeout, Tries: o.tries,
		NASIdentifier: o.nas, Station: o.station,
	}
	means := "is the server up, this address a client of it, and the secret the same on both sides?"
	if o.tls() {
		means = "is the server up, its name in its certificate, and this certificate in the certificates of a client? The server's log says which"
	}
	if o.status {
		if _, err := cl.Status(c.Context()); err != nil {
			return withCode(withHint(err, means), exitUnavailable)
		}
		say(c.OutOrStdout(), "the server answers\n")
		return nil
	}
	if len(args) == 0 {
		return withCode(withHint(errors.New("no user named"), "write the login name behind the options: portvakt ask alice"), exitUsage)
	}
	in := newPrompter(c.InOrStdin(), c.ErrOrStderr())
	password, err := in.ask(c.Context(), "Password:", false)
	if err != nil {
		return err
	}
	result, err := cl.Walk(c.Context(), args[0], password, func(ctx context.Context, prompt string, echo bool) (string, error) {
		return in.ask(ctx, prompt, echo)
	})
	if errors.Is(err, errNoAnswer) {
		return err
	}
	if err != nil {
		return withCode(withHint(err, means+" A telephone call takes longer: --timeout 60s"), exitUnavailable)
	}
	d, err := dictionary.Load()
	if err != nil {
		return err
	}
	verdict := "Access-Reject"
	if result.Accepted {
		verdict = "Access-Accept"
	}
	say(c.OutOrStdout(), "%s\n", verdict)
	for _, line := range attributeLines(result.Reply, d) {
		say(c.OutOrStdout(), "%s\n", line)
	}
	if !result.Accepted {
		return withCode(errors.New("the server refused"), exitFailed)
	}
	return nil
}

// attributeLines are what a reply tells the device, without the signature that
// every reply has.
func attributeLines(r client.Reply, d *dictionary.Dictionary) []string {
	return slices.DeleteFunc(r.Lines(d), func(line string) bool {
		return strings.HasPrefix(line, "Message-Authenticator ")
	})
}

func (o *askOptions) tls() bool { return o.tlsCA != "" || o.tlsCert != "" || o.tlsKey != "" }

// overTLS is how to connect; nil is over UDP.
func (o *askOptions) overTLS() (*tls.Config, error) {
	if !o.tls() {
		return nil, nil //nolint:nilnil // see above
	}
	if o.tlsCA == "" || o.tlsCert == "" || o.tlsKey == "" {
		return nil, withCode(withHint(errors.New("--tls-ca, --tls-cert and --tls-key go together"), "both ends show a certificate: see docs/radsec.md"), exitUsage)
	}
	authorities, err := roots.Read(o.tlsCA)
	if err != nil {
		return nil, withCode(err, exitUsage)
	}
	pair, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, withCode(fmt.Errorf("--tls-cert and --tls-key: %w", err), exitUsage)
	}
	return &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func (o *askOptions) secret() (secret.Value, error) {
	switch {
	case o.tls() && (o.secretFile != "" || o.secretEnv != ""):
		return secret.Value{}, withCode(withHint(errors.New("a shared secret is of no use over TLS"), "leave --secret-file and --secret-env out, or the --tls- options"), exitUsage)
	case o.tls():
		return secret.New(client.RadSec), nil
	case o.secretFile != "" && o.secretEnv != "":
		return secret.Value{}, withCode(errors.New("--secret-file and --secret-env exclude each other"), exitUsage)
	case o.secretFile != "":
		return readSecretFile(o.secretFile)
	case o.secretEnv != "":
		if text := os.Getenv(o.secretEnv); text != "" {
			return secret.New(text), nil
		}
		return secret.Value{}, withCode(fmt.Errorf("the environment variable %s is empty", o.secretEnv), exitUsage)
	}
	return secret.Value{}, withCode(withHint(errors.New("no shared secret"), "name it with --secret-file or --secret-env"), exitUsage)
}
