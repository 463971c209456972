package conf

import _ "embed"

//go:embed portvakt.example.toml
var example string

// Example is the configuration that `portvakt init` writes: every section of
// this version, explained. The files of secrets that it names are beside it.
func Example() string { return example }

// LaterVersions tells the keys that later versions know.
func LaterVersions() Option {
	return Later(
		"radsec",
		"client.methods = eap-ttls", "client.methods = peap", "client.methods = eap-tls",
		"rule.factors = push",
		"push", "portal",
	)
}
