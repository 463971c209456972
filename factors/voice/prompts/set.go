package prompts

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/portvakt/portvakt/login"
)

// A Set is everything that can be said in calls. It is safe for concurrent
// use.
type Set struct {
	organisation string
	sayAddress   bool
	names        []string // in the order of preference, and of the matcher's tags
	matcher      language.Matcher
	speeches     map[string]*speech
	warnings     []string

	mu    sync.Mutex
	built map[string]Message // without codes and addresses, at most maxBuilt
}

// maxBuilt bounds the messages that are kept put together, some 200 kB each,
// so that a thousand calls at a time do not need a thousand copies.
const maxBuilt = 64

// Open reads the recordings. It returns every problem of every file; what is
// in the folder and is not used is warned of in the log.
func Open(cfg Config, log *slog.Logger) (*Set, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Set{
		organisation: cfg.Organisation, sayAddress: cfg.SayAddress, names: cfg.Languages,
		speeches: map[string]*speech{}, built: map[string]Message{},
	}
	var site fs.FS
	var own []string
	if cfg.Folder != "" {
		site = os.DirFS(cfg.Folder)
		var err error
		if own, s.warnings, err = folders(site); err != nil {
			return nil, fmt.Errorf("prompts: %s: %w: name the folder of recordings, or remove the key", cfg.Folder, err)
		}
	}
	if len(s.names) == 0 {
		s.names = shippedLanguages()
		for _, name := range own {
			if !slices.Contains(s.names, name) {
				s.names = append(s.names, name)
			}
		}
	}
	for _, name := range own {
		if !slices.Contains(s.names, name) {
			s.warnings = append(s.warnings, name+": is not used: languages does not list it")
		}
	}
	var errs []error
	tags := make([]language.Tag, 0, len(s.names))
	for _, name := range s.names {
		spoken, warnings, err := load(name, site)
		s.warnings = append(s.warnings, warnings...)
		if err != nil {
			errs = append(errs, fmt.Errorf("prompts: %w", err))
		}
		s.speeches[name] = spoken
		tags = append(tags, language.Make(name))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.matcher = language.NewMatcher(tags)
	for _, w := range s.warnings {
		path, detail, _ := strings.Cut(w, ": ")
		log.Warn("a recording of calls is of no use", slog.String(login.KeyPath, path), slog.String(login.KeyDetail, detail))
	}
	return s, nil
}

// Languages are those people may be spoken to in, the first for everybody
// else.
func (s *Set) Languages() []string { return slices.Clone(s.names) }

// Match chooses the language for a wish: a language tag, or a list as in
// Accept-Language. Where it is not spoken, a near one is; where none is near,
// the first.
func (s *Set) Match(wish string) string {
	if _, ok := s.speeches[wish]; ok {
		return wish
	}
	tags, _, err := language.ParseAcceptLanguage(wish)
	if err != nil || len(tags) == 0 {
		return s.names[0]
	}
	_, index, confidence := s.matcher.Match(tags...)
	if confidence < language.High {
		return s.names[0]
	}
	return s.names[index]
}

// Check returns what an operator should know of the recordings: files that are
// not used, and those that cannot be heard. services are the names of the
// RADIUS clients.
func (s *Set) Check(services []string) []string {
	warnings := slices.Clone(s.warnings)
	var clips []string
	for _, name := range services {
		clips = append(clips, ServiceClip(name))
	}
	for _, lang := range s.names {
		for _, name := range slices.Sorted(maps.Keys(s.speeches[lang].from)) {
			if strings.HasPrefix(name, servicePrefix) && !slices.Contains(clips, name) {
				warnings = append(warnings, s.speeches[lang].from[name]+": is not used: there is no [[client]] of this name")
			}
		}
	}
	return warnings
}

// A Clip is one recording of a language.
type Clip struct {
	Name string
	Text string // what the program's own says; the name of a service's
	// File is where a site's own recording is, below its folder; empty for
	// those of the program.
	File   string
	Length time.Duration
}

// Clips are the recordings of a language, those of services at the end.
func (s *Set) Clips(lang string) []Clip {
	sp := s.speeches[s.Match(lang)]
	names := ClipNames()
	for _, name := range slices.Sorted(maps.Keys(sp.from)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	clips := make([]Clip, 0, len(names))
	for _, name := range names {
		text := sp.texts[name]
		if service, ok := strings.CutPrefix(name, servicePrefix); ok {
			text = sp.service(service)
		}
		if name == clipOrganisation && sp.from[name] != "" && s.organisation != "" {
			text = sp.who(s.organisation)
		}
		clips = append(clips, Clip{name, text, sp.from[name], time.Duration(sp.clips[name].len()) * time.Second / Rate})
	}
	return clips
}

// who is the sentence that says who calls.
func (s *speech) who(organisation string) string {
	if organisation == "" {
		return s.texts[clipOrganisation]
	}
	return strings.ReplaceAll(s.texts[textOrganisation], "{organisation}", organisation)
}

// service is the sentence that says what somebody signs in to.
func (s *speech) service(name string) string {
	if name == "" {
		return s.texts[clipService]
	}
	return strings.ReplaceAll(s.texts[textService], "{service}", name)
}

// Sentences are what only a site can record, by clip: the organisation's
// name, when there is one, and its services.
func (s *Set) Sentences(lang string, services []string) map[string]string {
	sp := s.speeches[s.Match(lang)]
	sentences := map[string]string{}
	if s.organisation != "" {
		sentences[clipOrganisation] = sp.who(s.organisation)
	}
	for _, name := range services {
		sentences[ServiceClip(name)] = sp.service(name)
	}
	return sentences
}

// Unspoken are the languages in which an exchange does not say every name that
// it could, for want of a recording.
func (s *Set) Unspoken(services []string) (langs []string) {
	for _, lang := range s.names {
		sp := s.speeches[lang]
		for name := range s.Sentences(lang, services) {
			_, recorded := sp.clips[name]
			if !recorded || name == clipOrganisation && sp.from[name] == "" {
				langs = append(langs, lang)
				break
			}
		}
	}
	return langs
}
