// Package breaker keeps dead providers of messages and calls from slowing each
// login down. It knows nothing of what a provider does.
package breaker
