// Package roots reads the certificate authorities that a configuration names for
// the servers this program asks: directories, gateways, exchanges. It decides
// nothing about versions and names; who connects does.
package roots
