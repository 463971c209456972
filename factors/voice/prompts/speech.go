package prompts

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed */*.wav */texts.toml
var shipped embed.FS

// shippedLanguages are those that come with the program, English first.
func shippedLanguages() []string {
	names := []string{"en"}
	entries, _ := shipped.ReadDir(".")
	for _, e := range entries {
		if e.Name() != "en" {
			names = append(names, e.Name())
		}
	}
	return names
}

// Bounds of what is read from a site's folder.
const (
	maxFile  = 1 << 20  // of one recording: a minute in 16 bit PCM
	maxTotal = 64 << 20 // of all of a language
	maxText  = 300      // of one sentence
)

// A speech is one language: its sentences, and their clips by name.
type speech struct {
	texts map[string]string
	clips map[string]clip
	from  map[string]string // the path of each clip that is the site's
}

// add puts the files of a folder in place of what is there already. site tells
// whether it is the site's, whose warnings are returned.
func (s *speech) add(dir fs.FS, lang string, site bool) (warnings []string, err error) {
	entries, err := fs.ReadDir(dir, lang)
	if err != nil {
		return nil, err
	}
	var errs []error
	size := int64(0)
	for _, e := range entries {
		path := lang + "/" + e.Name()
		name, wav := strings.CutSuffix(e.Name(), ".wav")
		switch {
		case e.Name() == "texts.toml", wav && known(name):
		case e.Name() == "MANIFEST":
			continue
		default:
			warnings = append(warnings, path+": is not used: recordings are named as in \"portvakt prompts list\"")
			continue
		}
		b, err := readFile(dir, path, maxTotal-size)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		size += int64(len(b))
		if !wav {
			errs = append(errs, s.addTexts(path, b))
			continue
		}
		c, err := readWAV(b)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: convert it by: %s", path, err, conversion(lang, path)))
			continue
		}
		s.clips[name] = c
		if site {
			s.from[name] = path
			if level(c.appendTo(nil)) < silent {
				warnings = append(warnings, path+": nothing can be heard in it: record it louder")
			}
		}
	}
	return warnings, errors.Join(errs...)
}

// conversion is the command, for the folder, that makes a recording one that
// is taken.
func conversion(lang, path string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return fmt.Sprintf("mkdir -p new/%s && sox %s -r 8000 -c 1 -b 16 -e signed-integer %s", lang, quote(path), quote("new/"+path))
}

// silent is the level below which nobody hears anything.
const silent = -50.0 // dB

func readFile(dir fs.FS, path string, room int64) ([]byte, error) {
	info, err := fs.Stat(dir, path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is no file: remove it", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s: has %d octets, and room for %d: shorten it", path, info.Size(), maxFile)
	case info.Size() > room:
		return nil, fmt.Errorf("%s: the recordings of a language may have %d octets together: remove some", path, maxTotal)
	}
	return fs.ReadFile(dir, path)
}

// addTexts replaces sentences.
func (s *speech) addTexts(path string, b []byte) error {
	var texts map[string]string
	if err := toml.Unmarshal(b, &texts); err != nil {
		return fmt.Errorf("%s: %w: write lines as in: goodbye = \"Goodbye.\"", path, err)
	}
	var errs []error
	for name, text := range texts {
		wants := map[string]string{textOrganisation: "{organisation}", textService: "{service}"}[name]
		switch {
		case !slices.Contains(textNames(), name):
			errs = append(errs, fmt.Errorf("%s: %s: is no sentence of a call: the names are %s", path, name, strings.Join(textNames(), ", ")))
		case text == "" || len(text) > maxText:
			errs = append(errs, fmt.Errorf("%s: %s: has %d octets: write at least one and at most %d", path, name, len(text), maxText))
		case !strings.Contains(text, wants):
			errs = append(errs, fmt.Errorf("%s: %s: does not have %s, where the name is said: add it", path, name, wants))
		default:
			s.texts[name] = text
		}
	}
	return errors.Join(errs...)
}

// missing returns what a language that a site has added does not have.
func (s *speech) missing(lang string) error {
	var lack []string
	for _, name := range ClipNames() {
		if _, ok := s.clips[name]; !ok {
			lack = append(lack, name+".wav")
		}
	}
	for _, name := range textNames() {
		if s.texts[name] == "" {
			lack = append(lack, name+" in texts.toml")
		}
	}
	if lack == nil {
		return nil
	}
	return fmt.Errorf("%s: does not come with the program, and its folder is not whole: add %s", lang, strings.Join(lack, ", "))
}

// load reads one language from the program and from the site's folder, which
// may be nil.
func load(lang string, site fs.FS) (*speech, []string, error) {
	s := &speech{map[string]string{}, map[string]clip{}, map[string]string{}}
	if slices.Contains(shippedLanguages(), lang) {
		if _, err := s.add(shipped, lang, false); err != nil {
			return nil, nil, err
		}
	}
	var warnings []string
	if site != nil {
		w, err := s.add(site, lang, true)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, w, err
		}
		warnings = w
	}
	return s, warnings, s.missing(lang)
}

// folders are the languages a site's folder has, and what else is in it.
func folders(site fs.FS) (langs, warnings []string, err error) {
	entries, err := fs.ReadDir(site, ".")
	for _, e := range entries {
		info, err := fs.Stat(site, e.Name())
		tag, perr := language.Parse(e.Name())
		if err == nil && perr == nil && info.IsDir() && tag.String() == e.Name() {
			langs = append(langs, e.Name())
			continue
		}
		warnings = append(warnings, e.Name()+": is not used: recordings are in folders named by their language, as nb/approve.wav")
	}
	return langs, warnings, err
}
