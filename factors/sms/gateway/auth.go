package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Auth says how an HTTP gateway is shown who we are, where a password or a
// token in the request is not enough.
type Auth struct {
	Auth     string `mapstructure:"auth"`      // "basic", "bearer", "oauth2", "aws" or "azure"
	TokenURL string `mapstructure:"token_url"` // of OAuth 2.0
	Scope    string `mapstructure:"scope"`     // of OAuth 2.0
	Region   string `mapstructure:"aws_region"`
	Service  string `mapstructure:"aws_service"` // sns
}

const (
	authBasic  = "basic"  // user, password
	authBearer = "bearer" // token
	authOAuth2 = "oauth2" // user, password, token_url: RFC 6749, section 4.4
	authAWS    = "aws"    // user, password: Signature Version 4
	authAzure  = "azure"  // password: HMAC-SHA256 of Communication Services
)

// A signer proves who sends a request. Its error is a [*NotSent].
type signer interface {
	sign(r *http.Request, body []byte) error
}

// signer is nil where a header of the configuration is enough.
func (c Config) signer(transport *http.Transport) signer {
	switch c.Auth.Auth {
	case authOAuth2:
		return &oauth2{cfg: c, transport: transport}
	case authAWS:
		return awsSigner{user: c.User, password: c.Password, region: c.Auth.Region, service: c.Auth.service()}
	case authAzure:
		return azureSigner{key: c.Password}
	}
	return nil
}

func (a Auth) service() string {
	if a.Service == "" {
		return "sns"
	}
	return a.Service
}

func (c Config) validateAuth(p *problems) {
	kinds := []string{"", authBasic, authBearer, authOAuth2, authAWS, authAzure}
	if !slices.Contains(kinds, c.Auth.Auth) {
		p.add("auth: %q is no kind of authentication: there are \"%s\"", c.Auth.Auth, strings.Join(kinds[1:], `", "`))
		return
	}
	switch {
	case c.Auth.Auth == authAzure && (c.User != "" || c.Password.IsZero()):
		p.add("password: is the access key of the resource with auth = \"azure\": set it, and no user")
	case c.Auth.Auth != authAzure && c.User != "" && c.Password.IsZero(): // told at the key that a missing file is told at
		p.add("password: user and password go together: set both or none")
	case c.Auth.Auth != authAzure && c.User == "" && !c.Password.IsZero():
		p.add("user: user and password go together: set both or none")
	case slices.Contains([]string{authBasic, authOAuth2, authAWS}, c.Auth.Auth) && c.User == "":
		p.add("user: is not set: auth = %q needs user and password", c.Auth.Auth)
	case c.Auth.Auth == authBearer && c.Token.IsZero():
		p.add("token: is not set: auth = \"bearer\" needs it")
	}
	if !c.Token.IsZero() && (c.User != "" || c.Auth.Auth != "" && c.Auth.Auth != authBearer) {
		p.add("token: there is a user too, or another auth: use one of them")
	}
	if !httpguts.ValidHeaderFieldValue(c.Token.Reveal()) {
		p.add("token: holds a character that no header can carry, as a line break at the end of its file")
	}
	c.validateOAuth2(p)
	c.validateAWS(p)
	if c.Auth.Auth == authAzure && !c.Password.IsZero() {
		if _, err := azureKey(c.Password); err != nil {
			p.add("password: is no access key: it is written in base64")
		}
	}
}

func (c Config) validateOAuth2(p *problems) {
	if c.Auth.Auth != authOAuth2 {
		if c.Auth.TokenURL != "" || c.Auth.Scope != "" {
			p.add("token_url: token_url and scope are only for auth = \"oauth2\": remove them or change auth")
		}
		return
	}
	switch u, err := url.Parse(c.Auth.TokenURL); {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
		p.add("token_url: is not the address that gives out tokens: write \"https://host/path\"")
	case u.Scheme == "http" && !c.Insecure && !loopback(u.Hostname()):
		p.add("token_url: http:// would carry the password in the clear: use https://, or set insecure = true")
	}
}

func (c Config) validateAWS(p *problems) {
	switch {
	case c.Auth.Auth != authAWS && (c.Auth.Region != "" || c.Auth.Service != ""):
		p.add("aws_region: aws_region and aws_service are only for auth = \"aws\": remove them or change auth")
	case c.Auth.Auth == authAWS && c.Auth.Region == "":
		p.add("aws_region: is not set: write the region of the service, as \"eu-north-1\"")
	}
}
