package house

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/radiusd/preset"
	"github.com/portvakt/portvakt/radiusd/reply"
)

const nasPages = "docs/nas/"

// pages are those of products, by their names without .md.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, text := range files(t, func(name string) bool { return markdown(name) && strings.HasPrefix(name, nasPages) }) {
		if page := strings.TrimSuffix(path.Base(name), ".md"); page != "README" {
			all[page] = text
		}
	}
	return all
}

var (
	presetLine = regexp.MustCompile("(?m)^Presets?: ((?:`[a-z0-9_-]+`(?:, )?)+)\\.")
	ticked     = regexp.MustCompile("`([^`]+)`")
	triedLine  = regexp.MustCompile(`(?m)^\*Tried on the real product: (yes|no)[.;]`)
)

// Each preset has a page, which says so, and each page has a preset.
func TestEachPresetHasItsPage(t *testing.T) {
	all := pages(t)
	overview := read(t, nasPages+"README.md")
	want := map[string][]string{}
	for _, p := range preset.All() {
		want[p.Page] = append(want[p.Page], p.Name)
		text, ok := all[p.Page]
		if !ok {
			t.Errorf("%s: there is no %s%s.md", p.Name, nasPages, p.Page)
			continue
		}
		tried := triedLine.FindStringSubmatch(text)
		if tried == nil || (tried[1] == "yes") != p.Tried {
			t.Errorf("%s: the page must say truthfully whether it was tried on the real product (%v)", p.Page, p.Tried)
		}
		if !strings.Contains(text, `preset   = "`+p.Name+`"`) && !strings.Contains(text, "`preset = \""+p.Name+"\"`") {
			t.Errorf("%s shows no client with the preset %s", p.Page, p.Name)
		}
	}
	for page, text := range all {
		if len(want[page]) == 0 {
			t.Errorf("%s%s.md is the page of no preset", nasPages, page)
			continue
		}
		var told []string
		if line := presetLine.FindStringSubmatch(text); line != nil {
			for _, name := range ticked.FindAllStringSubmatch(line[1], -1) {
				told = append(told, name[1])
			}
		}
		slices.Sort(told)
		if !slices.Equal(told, want[page]) {
			t.Errorf("%s tells the presets %q, want %q", page, told, want[page])
		}
		if !strings.Contains(overview, "]("+page+".md)") {
			t.Errorf("%sREADME.md does not list %s", nasPages, page)
		}
	}
}

// A page says what an administrator looks for.
func TestPagesOfProductsAreWhole(t *testing.T) {
	for page, text := range pages(t) {
		from := 0
		for _, part := range []string{"# ", "\n## There\n", "\n## Time\n", "\n## Here\n", "\n## Groups\n", "\n## Traps\n"} {
			at := strings.Index(text[from:], part)
			if at < 0 {
				t.Errorf("%s has no %q in its place", page, strings.TrimSpace(part))
				continue
			}
			from += at
		}
		_, times, _ := strings.Cut(text, "\n## Time\n")
		times, _, _ = strings.Cut(times, "\n## ")
		if times = strings.Join(strings.Fields(times), " "); !strings.Contains(times, "at least 60 s") || !strings.Contains(times, "code") {
			t.Errorf("%s does not say the time-outs for codes and for a call", page)
		}
		head, _, _ := strings.Cut(text, "\n\nPreset")
		for what, must := range map[string]string{
			"its sources": "ources: ", "the version it is for": "For ", "groups as attributes": "[[reply]]",
			"whether the person's address comes": "Calling-Station-Id",
		} {
			where := text
			if must == "ources: " || must == "For " {
				where = strings.Join(strings.Fields(head), " ")
			}
			if !strings.Contains(where, must) {
				t.Errorf("%s does not tell %s", page, what)
			}
		}
	}
}

// The attributes that pages hand to groups exist.
func TestAttributesOfPagesAreKnown(t *testing.T) {
	known, err := dictionary.Load()
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range pages(t) {
		for _, m := range tomlBlock.FindAllStringSubmatch(text, -1) {
			var doc struct {
				Reply []struct {
					Clients, Groups []string
					Attributes      map[string]any
				}
			}
			if err := toml.Unmarshal([]byte(m[1]), &doc); err != nil {
				t.Errorf("%s: %v", page, err)
			}
			for _, r := range doc.Reply {
				rule := reply.RuleConfig{Clients: r.Clients, Groups: r.Groups, Attributes: r.Attributes}
				if _, err := reply.New([]reply.RuleConfig{rule}, known); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			}
		}
	}
}
