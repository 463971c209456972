package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/factors/voice/prompts/espeak"
)

func newPromptsMakeCommand(o *promptsOptions) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "make", Short: "Make recordings of the organisation's and the clients' names", Args: cobra.NoArgs,
		Long: `Make has espeak-ng speak the sentences that the program cannot come with: who
calls, and for which RADIUS client somebody signs in. It writes
DIR/LANGUAGE/organisation.wav and DIR/LANGUAGE/service-CLIENT.wav. What is there
already is kept, since somebody may have recorded it.`,
		Example: "  portvakt prompts make --folder /etc/portvakt/prompts --languages nb,en\n\n  # again, after a name has changed\n  portvakt prompts make --folder /etc/portvakt/prompts --force",
		RunE: func(c *cobra.Command, _ []string) error {
			folder := o.folder
			if folder == "" {
				return withCode(withHint(errors.New("the recordings have to be written somewhere"), "add: --folder DIR"), exitUsage)
			}
			if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the daemon must read it, and it holds no secrets
				return err
			}
			set, services, err := o.open(c)
			if err != nil {
				return err
			}
			speaker, err := espeak.Find(c.Context())
			if errors.Is(err, espeak.ErrMissing) {
				return withCode(withHint(err, "install the package espeak-ng; it is needed here only, not where the server runs. Or record the sentences yourself"), exitUnavailable)
			}
			if err != nil {
				return err
			}
			m := maker{c, set, speaker, folder, force}
			for _, lang := range set.Languages() {
				if err := m.make(lang, services); err != nil {
					return fmt.Errorf("%s: %w", lang, err)
				}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&o.languages, "languages", nil, "only these, as nb,en (default: as configured)")
	c.Flags().BoolVar(&force, "force", false, "replace recordings that are there")
	return c
}

// A maker writes recordings.
type maker struct {
	c       *cobra.Command
	set     *prompts.Set
	speaker *espeak.Speaker
	folder  string
	force   bool
}

func (m maker) make(lang string, services []string) error {
	sentences := m.set.Sentences(lang, services)
	if len(sentences) == 0 {
		return withHint(errors.New("there are no names to record"), "set call.organisation, or add --organisation NAME")
	}
	dir := filepath.Join(m.folder, lang)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	for _, clip := range slices.Sorted(maps.Keys(sentences)) {
		path := filepath.Join(dir, clip+".wav")
		if _, err := os.Lstat(path); err == nil && !m.force {
			say(m.c.ErrOrStderr(), "%s is there already, and was kept\n", path)
			continue
		}
		audio, err := m.speaker.Say(m.c.Context(), lang, sentences[clip])
		if err != nil {
			return err
		}
		if err := writeSound(path, promptMode, prompts.WriteALaw, audio); err != nil {
			return err
		}
		say(m.c.OutOrStdout(), "%s  %s\n", path, sentences[clip])
	}
	return nil
}
