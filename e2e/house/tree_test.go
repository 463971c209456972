package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the module's directory: the test runs in its package's.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("no module above this package: %v", err)
	}
	return dir
}

// files returns the text of each file of the tree that want accepts, by its
// path with slashes. What is built or downloaded is not of the tree.
func files(t *testing.T, want func(path string) bool) map[string]string {
	t.Helper()
	top, all := root(t), make(map[string]string)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		outside := name == ".git" || name == ".cache" || name == "bin" // .git is a file in a worktree
		switch {
		case outside && entry.IsDir():
			return filepath.SkipDir
		case outside || entry.IsDir():
			return nil
		}
		if !entry.Type().IsRegular() || !want(name) {
			return nil
		}
		text, err := os.ReadFile(path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("the tree has no such file: the rule would hold for nothing")
	}
	return all
}

func goFile(path string) bool { return strings.HasSuffix(path, ".go") }

func markdown(path string) bool { return strings.HasSuffix(path, ".md") }

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
