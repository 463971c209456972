// Package web serves HTTP beside what the product is for: to gateways that call
// back, and to monitors.
package web
