package gateway

// Build is one provider of a chain.
var Build = build
