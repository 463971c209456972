package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

func hmac256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// An awsSigner signs as the services of AWS want it (Signature Version 4).
type awsSigner struct {
	user            string // access key id
	password        secret.Value
	region, service string
}

func (a awsSigner) sign(r *http.Request, body []byte) error {
	a.signAt(r, body, time.Now())
	return nil
}

func (a awsSigner) signAt(r *http.Request, body []byte, now time.Time) {
	const stamp = "20060102T150405Z"
	at := now.UTC().Format(stamp)
	day := at[:8]
	r.Header.Set("X-Amz-Date", at)
	// A space in a query is "%20" to AWS, and "+" means itself.
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "+", "%20")

	headers := map[string]string{"host": r.URL.Host, "x-amz-date": at}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		headers["content-type"] = kind
	}
	var names []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + strings.TrimSpace(headers[name]) + "\n")
	}
	signed := strings.Join(names, ";")
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	payload := sha256.Sum256(body)
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		r.Method, path, sortedQuery(r.URL.RawQuery), lines.String(), signed, hex.EncodeToString(payload[:]),
	}, "\n")))
	scope := strings.Join([]string{day, a.region, a.service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hex.EncodeToString(canonical[:])}, "\n")
	key := []byte("AWS4" + a.password.Reveal())
	for part := range strings.SplitSeq(scope, "/") {
		key = hmac256(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.user+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(hmac256(key, text)))
}

func sortedQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, p := range pairs {
		if !strings.Contains(p, "=") {
			pairs[i] += "="
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// An azureSigner signs as Azure Communication Services want it.
type azureSigner struct{ key secret.Value }

func azureKey(s secret.Value) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimSpace(s.Reveal()))
}

func (a azureSigner) sign(r *http.Request, body []byte) error {
	key, err := azureKey(a.key)
	if err != nil {
		return &NotSent{Reason: "password: is no access key"}
	}
	a.signAt(r, body, key, time.Now())
	return nil
}

func (azureSigner) signAt(r *http.Request, body, key []byte, now time.Time) {
	date := now.UTC().Format(http.TimeFormat)
	sum := sha256.Sum256(body)
	content := base64.StdEncoding.EncodeToString(sum[:])
	path := r.URL.RequestURI() // with the query
	text := r.Method + "\n" + path + "\n" + date + ";" + r.URL.Host + ";" + content
	r.Header.Set("X-Ms-Date", date)
	r.Header.Set("X-Ms-Content-Sha256", content)
	r.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+
		base64.StdEncoding.EncodeToString(hmac256(key, text)))
}
