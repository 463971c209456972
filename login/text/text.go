package text

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed *.toml
var shipped embed.FS

// Config is the [texts] section.
type Config struct {
	// Language is the language when nothing is known of a person's wish: one
	// of those shipped, as "en" or "nb", or one that Dir has.
	Language string `mapstructure:"language"`
	// Dir is a folder of files LANGUAGE.toml whose sentences replace ours; a
	// file may hold only some of the keys, but for a new language all.
	Dir string `mapstructure:"dir"`
}

// DefaultConfig is English, with no folder.
func DefaultConfig() Config { return Config{Language: "en"} }

// Texts is the set of sentences. It is safe for concurrent use.
type Texts struct {
	bundle    *i18n.Bundle
	fallback  string
	names     []string // in the order of tags
	matcher   language.Matcher
	localizer map[string]*i18n.Localizer

	mu     sync.RWMutex
	cached map[string]string // rendered sentences, at most maxCached
	wishes map[string]string // what Match has answered, at most maxCached
}

// maxCached bounds the memory of rendered sentences and matched wishes, which
// depend on what directories hold.
const maxCached = 4096

// maxFile is the most one file of sentences may have.
const maxFile = 256 << 10

// New loads the shipped sentences and the operator's. It returns every problem
// of every file.
func New(cfg Config) (*Texts, error) {
	t := &Texts{
		fallback: cfg.Language, bundle: i18n.NewBundle(language.English),
		localizer: map[string]*i18n.Localizer{}, cached: map[string]string{}, wishes: map[string]string{},
	}
	t.bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	var errs []error
	if err := t.load(shipped); err != nil {
		return nil, err
	}
	if cfg.Dir != "" {
		if err := t.load(os.DirFS(cfg.Dir)); err != nil {
			errs = append(errs, fmt.Errorf("dir: %w", err))
		}
	}
	var tags []language.Tag
	for _, tag := range t.bundle.LanguageTags() {
		name := tag.String()
		if _, err := fs.Stat(shipped, name+".toml"); err != nil && cfg.Dir == "" {
			continue
		}
		tags = append(tags, tag)
		t.names = append(t.names, name)
		t.localizer[name] = i18n.NewLocalizer(t.bundle, name)
	}
	t.matcher = language.NewMatcher(tags)
	if !slices.Contains(t.names, t.fallback) {
		errs = append(errs, fmt.Errorf("language: %q has no sentences: write one of %s", t.fallback, strings.Join(t.names, ", ")))
	}
	for _, name := range t.names {
		errs = append(errs, t.check(name))
	}
	return t, errors.Join(errs...)
}

// load adds the sentences of all files of a folder.
func (t *Texts) load(dir fs.FS) error {
	files, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("has no files LANGUAGE.toml: add one, or remove the key")
	}
	var errs []error
	for _, name := range files {
		lang := strings.TrimSuffix(filepath.Base(name), ".toml")
		if _, err := language.Parse(lang); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not a language tag: name the file as in nb.toml", name, lang))
			continue
		}
		if info, err := fs.Stat(dir, name); err == nil && info.Size() > maxFile {
			errs = append(errs, fmt.Errorf("%s: has %d octets, and room for %d: remove what is not a sentence", name, info.Size(), maxFile))
			continue
		}
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, t.unknown(name, b))
		if _, err := t.bundle.ParseMessageFileBytes(b, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// unknown reports keys that nothing uses: a misspelt one would be ignored.
func (t *Texts) unknown(name string, b []byte) error {
	var m map[string]any
	if err := toml.Unmarshal(b, &m); err != nil {
		return nil //nolint:nilerr // ParseMessageFileBytes reports it, with the place
	}
	var errs []error
	for key := range m {
		if _, ok := limits[key]; !ok {
			errs = append(errs, fmt.Errorf("%s: %s: is not a sentence of ours: the keys are %s", name, key, strings.Join(Keys(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// Languages are the languages there are sentences for.
func (t *Texts) Languages() []string { return slices.Clone(t.names) }

// Default is the language when nothing is known of a person's wish.
func (t *Texts) Default() string { return t.fallback }

// Match returns the language that serves the wishes best. Each wish is a
// language tag or a list as in Accept-Language, the form of preferredLanguage
// (RFC 2798, section 2.7); the first that can be served wins.
func (t *Texts) Match(wishes ...string) string {
	for _, wish := range wishes {
		if wish == "" {
			continue
		}
		t.mu.RLock()
		name, ok := t.wishes[wish]
		t.mu.RUnlock()
		if !ok {
			name = t.match(wish)
			t.mu.Lock()
			if len(t.wishes) < maxCached {
				t.wishes[wish] = name
			}
			t.mu.Unlock()
		}
		if name != "" {
			return name
		}
	}
	return t.fallback
}

func (t *Texts) match(wish string) string {
	tags, _, err := language.ParseAcceptLanguage(wish)
	if err != nil || len(tags) == 0 {
		return ""
	}
	// The index, not the tag: the tag carries the wish's own extensions.
	_, index, confidence := t.matcher.Match(tags...)
	if confidence < language.High {
		return ""
	}
	return t.names[index]
}

// Text returns the sentence of a key with its placeholders filled in; args are
// names and values in turn. Every key exists in every language: New has seen
// to it.
func (t *Texts) Text(lang, key string, args ...string) string {
	var room [128]byte
	id, secret := cacheKey(room[:0], lang, key, args)
	t.mu.RLock()
	text, ok := t.cached[string(id)]
	t.mu.RUnlock()
	if ok {
		return text
	}
	data := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		data[args[i]] = args[i+1]
	}
	text, err := t.render(lang, key, data)
	if err != nil {
		if text, err = t.render(t.fallback, key, data); err != nil {
			return key
		}
	}
	// A code is used once: keeping it would fill the cache and the memory
	// with secrets.
	if !secret {
		t.mu.Lock()
		if len(t.cached) < maxCached {
			t.cached[string(id)] = text
		}
		t.mu.Unlock()
	}
	return text
}

func (t *Texts) render(lang, key string, args map[string]any) (string, error) {
	l, ok := t.localizer[lang]
	if !ok {
		l = t.localizer[t.fallback]
	}
	if l == nil {
		return "", errors.New("there is no such language")
	}
	return l.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: args})
}

// cacheKey appends what a sentence depends on.
func cacheKey(id []byte, lang, key string, args []string) (_ []byte, secret bool) {
	id = append(append(append(id, lang...), 0), key...)
	for i, arg := range args {
		if i%2 == 0 && (arg == "Code" || arg == "Secret") {
			return id[:0], true
		}
		id = append(append(id, 0), arg...)
	}
	return id, false
}
