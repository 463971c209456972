package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const maxLines = 400 // a longer file has more than one idea in it

func generated(source string) bool {
	return strings.HasPrefix(source, "// Code generated ")
}

func TestFilesAreShort(t *testing.T) {
	for name, source := range files(t, goFile) {
		if n := strings.Count(source, "\n"); n > maxLines && !generated(source) {
			t.Errorf("%s has %d lines; at most %d, one idea each", name, n, maxLines)
		}
	}
}

func TestEachPackageSaysWhatItIsFor(t *testing.T) {
	sources := files(t, goFile)
	for name := range sources {
		if strings.Contains(name, "/testdata/") {
			continue
		}
		doc := path.Join(path.Dir(name), "doc.go")
		if strings.HasPrefix(name, "cmd/") {
			doc = path.Join(path.Dir(name), "main.go") // where a command has its comment
		}
		if _, ok := sources[doc]; !ok {
			t.Errorf("%s is missing", doc)
			sources[doc] = "" // once a package
		}
	}
}

// early returns the comparisons of a source that end at the first octet that
// differs: of an authenticator, they tell an attacker how far he is.
func early(t *testing.T, name, source string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		what := ""
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok {
				what = pkg.Name + "." + n.Sel.Name
			}
			if !slices.Contains([]string{"bytes.Equal", "bytes.Compare", "reflect.DeepEqual"}, what) {
				return true
			}
		case *ast.BinaryExpr:
			if n.Op != token.EQL && n.Op != token.NEQ || !toString(n.X) || !toString(n.Y) {
				return true
			}
			what = "string(…) " + n.Op.String() + " string(…)"
		default:
			return true
		}
		found = append(found, set.Position(n.Pos()).String()+": "+what)
		return true
	})
	return found
}

func toString(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "string"
}

func TestEarlyComparisonsAreRecognised(t *testing.T) {
	source := `package p
func f(a, b []byte) bool {
	if string(a) != string(b) || string(a) == "x" || subtle.ConstantTimeCompare(a, b) == 1 {
		return bytes.Equal(a, b)
	}
	return slices.EqualFunc(a, b, bytes.Equal)
}`
	want := []string{
		"p.go:3:5: string(…) != string(…)",
		"p.go:4:10: bytes.Equal",
		"p.go:6:32: bytes.Equal",
	}
	if got := early(t, "p.go", source); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Timing cannot be measured well over UDP, so the source is what is tested.
func TestAuthenticatorsAreComparedInConstantTime(t *testing.T) {
	handlesThem := func(name string) bool {
		forTests := strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path.Dir(name), "test")
		return goFile(name) && !forTests &&
			(strings.HasPrefix(name, "radiusd/") || strings.HasPrefix(name, "factors/") || strings.HasPrefix(name, "login/"))
	}
	for name, source := range files(t, handlesThem) {
		for _, place := range early(t, name, source) {
			t.Errorf("%s; use crypto/subtle or hmac.Equal", place)
		}
	}
}

// sleeps reports whether a test waits for a time that really passes.
func sleeps(source string) bool {
	return strings.Contains(source, "time.Sleep(") && !strings.Contains(source, `"testing/synctest"`)
}

func TestSleepsAreRecognised(t *testing.T) {
	const sleep = "func TestX(t *testing.T) { time.Sleep(time.Second) }\n"
	if !sleeps(sleep) {
		t.Error("a sleep outside a bubble was not seen")
	}
	if sleeps("import \"testing/synctest\"\n" + sleep) {
		t.Error("a sleep in a bubble takes no time")
	}
}

func TestNoTestWaitsForTheClock(t *testing.T) {
	unit := func(name string) bool { return strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "e2e/") }
	for name, source := range files(t, unit) {
		if sleeps(source) {
			t.Errorf("%s sleeps outside testing/synctest; wait for what you wait for", name)
		}
	}
}

// A path of the machine something was written on means nothing on another one.
// An account's homeDirectory in LDIF is such a path by its nature.
var machinePath = regexp.MustCompile("(?m)(?:^|[\\s\"'`=(:])/(?:work|home|root|Users)/[^\\s\"'`]*")

func machinePaths(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "homeDirectory") {
			found = append(found, machinePath.FindAllString(strings.TrimRight(line, "\n"), -1)...)
		}
	}
	return found
}

func TestMachinePathsAreRecognised(t *testing.T) {
	text := "cd /home/" + "somebody/go\nhomeDirectory: /home/" + "alice\nsee https://example.org/home/" + "page\n"
	if got := machinePaths(text); len(got) != 1 || !strings.Contains(got[0], "somebody") {
		t.Errorf("got %q, want the one of somebody", got)
	}
}

func TestNoPathOfOneMachine(t *testing.T) {
	for name, text := range files(t, func(string) bool { return true }) {
		if strings.ContainsRune(text, 0) {
			continue
		}
		for _, found := range machinePaths(text) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// JSON writes a duration as nanoseconds, which nobody reads at night, and a log
// store refuses a key that is a text in one line and a number in another.
func TestDurationsAreTextInTheLog(t *testing.T) {
	for name, source := range files(t, goFile) {
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(source, "slog.Duration(") {
			t.Errorf("%s logs a duration as a number: use slog.String and its String", name)
		}
	}
}
