// Package conf reads the configuration file: one TOML file, strictly, every
// problem at once and each with its place.
//
// [Load] goes through these steps; what one finds does not stop the next
// unless the next would only repeat it:
//
//	scan      the file as written: syntax, keys written twice, lines of keys
//	compare   with the struct: unknown keys, keys of later versions
//	decode    into the struct, over the defaults it came with: types, secrets
//	validate  each section by its own Validate method
//
// The sections' types stand beside the constructors that take them, each with
// mapstructure tags, defaults and a Validate method; this package knows none
// of their rules. It turns what Validate returns into a [Problem] with the
// line of the key that the text begins with.
//
// Problems and warnings never contain a secret, nor any value of a key that
// can be one.
//
// The package does not watch the file, merge several files, or read settings
// from the environment: what is configured is what the file says.
package conf
