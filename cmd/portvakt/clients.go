package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/radiusd"
)

// clientNamed is the client block of a name that was typed.
func clientNamed(f conf.File, name string) (radiusd.ClientConfig, error) {
	if i := slices.IndexFunc(f.Clients, func(c radiusd.ClientConfig) bool { return c.Name == name }); i >= 0 {
		return f.Clients[i], nil
	}
	var names []string
	for _, c := range f.Clients {
		names = append(names, c.Name)
	}
	return radiusd.ClientConfig{}, withCode(withHint(fmt.Errorf("there is no client %q", name), "the clients are "+strings.Join(names, ", ")), exitUsage)
}

// knownClient is clientNamed for a flag that may be left out.
func knownClient(f conf.File, name string) error {
	if name == "" {
		return nil
	}
	_, err := clientNamed(f, name)
	return err
}
