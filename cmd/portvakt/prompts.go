package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/voice/prompts"
)

func newPromptsCommand() *cobra.Command {
	var o promptsOptions
	c := &cobra.Command{
		Use: "prompts", Short: "Listen to what people hear in calls, and make recordings of names",
		Long: `Prompts is for what people hear when their telephone rings. The messages come with
the program; the names of the organisation and of its services do not, and any
of the messages can be replaced by a recording of the site.`,
		Example: "  portvakt prompts make --folder /etc/portvakt/prompts --languages nb,en\n  portvakt prompts list nb\n  portvakt prompts play nb approve --out approve.wav",
	}
	c.PersistentFlags().StringVar(&o.folder, "folder", "", "the site's recordings, as `DIR`/LANGUAGE/CLIP.wav (default: as configured)")
	c.PersistentFlags().StringVar(&o.organisation, "organisation", "", "who calls, as said after \"this is\" (default: as configured)")
	c.AddCommand(newPromptsListCommand(&o), newPromptsPlayCommand(&o), newPromptsMakeCommand(&o))
	return c
}

type promptsOptions struct {
	folder, organisation string
	languages            []string
	sayAddress           bool
}

// open reads the recordings as the configuration and the options say. services
// are the names of the RADIUS clients. Without a configuration there are still
// the messages of the program to listen to.
func (o promptsOptions) open(c *cobra.Command) (set *prompts.Set, services []string, err error) {
	f, _, log, err := load(c)
	if err != nil {
		if _, missing := os.Stat(configPath(c)); c.Flag("config").Changed || !errors.Is(missing, fs.ErrNotExist) {
			return nil, nil, err
		}
		f = conf.DefaultFile()
	}
	for _, client := range f.Clients {
		services = append(services, client.Name)
	}
	cfg := promptsConfig(f)
	cfg.Folder = cmp.Or(o.folder, cfg.Folder)
	cfg.Organisation = cmp.Or(o.organisation, cfg.Organisation)
	cfg.SayAddress = cfg.SayAddress || o.sayAddress
	if len(o.languages) > 0 {
		cfg.Languages = o.languages
	}
	set, err = prompts.Open(cfg, log)
	return set, services, withCode(err, exitConfig)
}

// promptsConfig is what a configuration says of messages.
func promptsConfig(f conf.File) prompts.Config { return f.Call.Speech }

// spoken is the language that an argument names.
func spoken(set *prompts.Set, lang string) error {
	if slices.Contains(set.Languages(), lang) {
		return nil
	}
	return withCode(withHint(fmt.Errorf("nobody is spoken to in %q", lang), "the languages are "+strings.Join(set.Languages(), ", ")), exitUsage)
}

func newPromptsListCommand(o *promptsOptions) *cobra.Command {
	return &cobra.Command{
		Use: "list [LANGUAGE...]", Short: "List the recordings, and which are the site's own",
		Long: `List shows each recording by the name of its file, whether it comes with the
program ("embedded") or is the site's own, how long it takes and what it says.
What is in the site's folder and is of no use is warned of.`,
		Example: "  portvakt prompts list\n  portvakt prompts list nb --folder ./recordings",
		RunE: func(c *cobra.Command, args []string) error {
			set, services, err := o.open(c)
			if err != nil {
				return err
			}
			for _, lang := range args {
				if err := spoken(set, lang); err != nil {
					return err
				}
			}
			if len(args) == 0 {
				args = set.Languages()
			}
			for _, w := range set.Check(services) {
				tell(c.ErrOrStderr(), "warning", w)
			}
			tw := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
			for _, lang := range args {
				for _, clip := range set.Clips(lang) {
					from := "embedded"
					if clip.File != "" {
						from = "site"
					}
					say(tw, "%s/%s.wav\t%s\t%.1f s\t%s\n", lang, clip.Name, from, clip.Length.Seconds(), clip.Text)
				}
			}
			return tw.Flush()
		},
	}
}

// playedCode is the code in a message that is only listened to.
const playedCode = "123456"

// kindsOfMessages are the messages there are, by what "prompts play" calls
// them.
func kindsOfMessages(set *prompts.Set, lang string, d prompts.Details) map[string]func() prompts.Message {
	approve := func(match, pin bool) func() prompts.Message {
		d := d
		d.Match, d.PIN = match, pin
		return func() prompts.Message { return set.Approve(lang, d) }
	}
	of := func(message func(string) prompts.Message) func() prompts.Message {
		return func() prompts.Message { return message(lang) }
	}
	return map[string]func() prompts.Message{
		"approve": approve(false, false), "match": approve(true, false), "pin": approve(false, true), "match-pin": approve(true, true),
		"code":     func() prompts.Message { return set.Code(lang, playedCode) },
		"approved": of(set.Approved), "denied": of(set.Denied), "fraud": of(set.Fraud),
		"wrong-match": of(set.WrongMatch), "again": of(set.Again),
		"time-up": of(set.TimeUp), "goodbye": of(set.Goodbye), "test": of(set.TestCall),
	}
}

func newPromptsPlayCommand(o *promptsOptions) *cobra.Command {
	var out string
	var d prompts.Details
	kinds := strings.Join(slices.Sorted(maps.Keys(kindsOfMessages(nil, "", d))), ", ")
	c := &cobra.Command{
		Use: "play LANGUAGE KIND", Short: "Write a whole message to a file, to listen to it", Args: cobra.ExactArgs(2),
		Long: `Play puts a message together as in a call, writes its sound to a WAV file, and
prints its text, which is what a service that speaks by itself is given.

The kinds are ` + kinds + ".",
		Example: "  portvakt prompts play nb approve --out approve.wav --service vpn\n  portvakt prompts play en match --out match.wav",
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return withCode(withHint(errors.New("it has to be written somewhere"), "add: --out FILE.wav"), exitUsage)
			}
			with := *o
			with.sayAddress = d.Place != ""
			set, _, err := with.open(c)
			if err != nil {
				return err
			}
			if err := spoken(set, args[0]); err != nil {
				return err
			}
			message := kindsOfMessages(set, args[0], d)[args[1]]
			if message == nil {
				return withCode(withHint(fmt.Errorf("there is no message %q", args[1]), "the kinds are "+kinds), exitUsage)
			}
			m := message()
			if err := writeSound(out, promptMode, prompts.WriteWAV, m.Audio); err != nil {
				return err
			}
			say(c.OutOrStdout(), "%s\n", m.Text)
			say(c.ErrOrStderr(), "%s: %.1f s\n", out, float64(len(m.Audio))/prompts.Rate)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "the WAV `file` to write")
	c.Flags().StringVar(&d.Service, "service", "", "the `client` that somebody signs in to")
	c.Flags().StringVar(&d.Place, "address", "", "the IPv4 `address` she signs in from")
	return c
}

// promptMode is of what is said to people: everybody who is called hears it.
const promptMode = 0o644

// writeSound writes a file by one of the writers of package prompts, in whole.
func writeSound(path string, mode os.FileMode, write func(io.Writer, []int16) error, audio []int16) error {
	var wav bytes.Buffer
	if err := write(&wav, audio); err != nil {
		return err
	}
	return os.WriteFile(path, wav.Bytes(), mode)
}
