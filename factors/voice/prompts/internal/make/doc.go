// Command make writes the clips that package prompts comes with: for each
// LANGUAGE/texts.toml one LANGUAGE/CLIP.wav for each text, and
// LANGUAGE/MANIFEST, which says how. "make prompts" runs it; it needs
// espeak-ng.
package main
