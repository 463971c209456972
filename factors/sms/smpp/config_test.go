package smpp

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

func TestProblemsAreNamed(t *testing.T) {
	t.Parallel()
	good := Config{Address: "smsc.example.org:2775"}
	all := Config{
		Address: "[2001:db8::1]:3550", TLS: true, ServerName: "smsc.example.org", SystemType: "VMA", ServiceType: "OTP", Bind: "pair",
		Window: 50, EnquireLink: time.Minute, Validity: time.Hour, Alphabet: "latin1", Concatenation: "sar",
		SenderTONNPI: []int{5, 0}, ToTONNPI: []int{1, 1},
	}
	for _, c := range []Config{good, all} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, row := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Address = "" }, "address: is not set"},
		{func(c *Config) { c.Address = "smsc.example.org" }, "address: "},
		{func(c *Config) { c.Address = ":2775" }, "address: "},
		{func(c *Config) { c.Address = "smsc:0" }, "address: "},
		{func(c *Config) { c.Address = "smpp://smsc:2775" }, "address: "},
		{func(c *Config) { c.ServerName = "x" }, "server_name: is of no use"},
		{func(c *Config) { c.Bind = "receiver" }, `bind: "receiver" is none of ["transceiver" "transmitter" "pair"]`},
		{func(c *Config) { c.Alphabet = "ascii" }, `alphabet: "ascii" is none of`},
		{func(c *Config) { c.Concatenation = "payload" }, `concatenation: "payload" is none of`},
		{func(c *Config) { c.SystemType = "thirteen long" }, "system_type: "},
		{func(c *Config) { c.ServiceType = "a\x00" }, "service_type: "},
		{func(c *Config) { c.Window = -1 }, "window: "},
		{func(c *Config) { c.Window = 1001 }, "window: "},
		{func(c *Config) { c.EnquireLink = time.Millisecond }, "enquire_link: "},
		{func(c *Config) { c.Validity = 49 * time.Hour }, "validity: "},
		{func(c *Config) { c.SenderTONNPI = []int{5} }, "sender_ton_npi: "},
		{func(c *Config) { c.ToTONNPI = []int{1, 256} }, "to_ton_npi: "},
	} {
		c := good
		row.change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
	for _, row := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.User = "" }, "user: "},
		{func(o *Options) { o.User = "a\x00b" }, "user: "},
		{func(o *Options) { o.Password = secret.Value{} }, "password: is not set"},
		{func(o *Options) { o.Password = secret.New(markPassword + "\n") }, "password: holds a character"},
		{func(o *Options) { o.Sender = "much too long a name" }, "sender: "},
	} {
		o := options()
		row.change(&o)
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
			continue
		}
		assertLeaksNothing(t, err.Error())
	}
}
