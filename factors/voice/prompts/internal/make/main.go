package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/factors/voice/prompts/espeak"
	"github.com/portvakt/portvakt/factors/voice/prompts/internal/manifest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make FOLDER")
		os.Exit(2)
	}
	if err := makeAll(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func makeAll(ctx context.Context, folder string) error {
	speaker, err := espeak.Find(ctx)
	if err != nil {
		return fmt.Errorf("%w: apt-get install espeak-ng", err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*", "texts.toml"))
	if err != nil {
		return err
	}
	total := 0
	for _, file := range files {
		dir := filepath.Dir(file)
		size, err := makeLanguage(ctx, speaker, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		total += size
		fmt.Fprintf(os.Stderr, "%s: %d kB\n", filepath.Base(dir), size/1000)
	}
	fmt.Fprintf(os.Stderr, "together: %d kB\n", total/1000)
	return nil
}

func makeLanguage(ctx context.Context, speaker *espeak.Speaker, dir string) (size int, err error) {
	var texts map[string]string
	b, err := os.ReadFile(filepath.Join(dir, "texts.toml")) //nolint:gosec // the file the developer named
	if err != nil {
		return 0, err
	}
	if err := toml.Unmarshal(b, &texts); err != nil {
		return 0, err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	if err != nil {
		return 0, err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil { //nolint:gosec // in the folder the developer named
			return 0, err
		}
	}
	lang := filepath.Base(dir)
	m := manifest.Manifest{Program: speaker.Version(), Options: speaker.Options(), Clips: map[string]manifest.Sums{}}
	m.Voice, m.Remark = espeak.Voice(lang)
	for _, name := range prompts.ClipNames() {
		say := speaker.Say
		if len(name) == 1 {
			say = speaker.SayDigit
		}
		audio, err := say(ctx, lang, texts[name])
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		var wav bytes.Buffer
		if err := prompts.WriteALaw(&wav, audio); err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".wav"), wav.Bytes(), 0o644); err != nil { //nolint:gosec // a source file
			return 0, err
		}
		m.Clips[name] = manifest.Of(texts[name], wav.Bytes())
		size += wav.Len()
	}
	return size, os.WriteFile(filepath.Join(dir, "MANIFEST"), m.Bytes(), 0o644) //nolint:gosec // a source file
}
