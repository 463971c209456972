package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/portvakt/portvakt/login"
)

const namespace = "portvakt"

// Bounds of what is asked at the same time, and of an answer.
const (
	maxScrapes   = 4
	scrapeWithin = 10 * time.Second
)

// took are the limits of how long something takes, in seconds: a directory answers
// in milliseconds, a person in half a minute.
var took = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}

// Metrics counts events and collects facts. It is safe for concurrent use; a nil
// one counts nothing.
type Metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	emergency *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	directory prometheus.Histogram
	elsewhere *prometheus.HistogramVec
}

// New makes Metrics. facts is called each time that somebody asks.
func New(facts func() Facts) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	seconds := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: took}
	}
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		decisions: counter("decisions_total", "Decisions, as the log has them.", "client", "rule", "outcome", "reason", "method"),
		alarms:    counter("alarms_total", "Events that somebody should look at now, such as reports of fraud.", "client", "reason"),
		emergency: counter("emergency_sign_ins_total", "Sign-ins that emergency mode has let in.", "client"),
		duration: prometheus.NewHistogramVec(seconds("decision_duration_seconds",
			"From a request to its decision, without the delay of refusals."), []string{"outcome"}),
		directory: prometheus.NewHistogram(seconds("directory_duration_seconds", "How long the directory took of it.")),
		elsewhere: prometheus.NewHistogramVec(seconds("elsewhere_duration_seconds",
			"How long a telephone rang of it, or a gateway took a message."), []string{"method"}),
	}
	m.registry.MustRegister(
		m.decisions, m.alarms, m.emergency, m.duration, m.directory, m.elsewhere, &collector{facts},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Event counts a decision.
func (m *Metrics) Event(e *login.Event) {
	if m == nil {
		return
	}
	m.decisions.WithLabelValues(e.Client, e.Rule, e.Outcome, string(e.Reason), e.Method).Inc()
	m.duration.WithLabelValues(e.Outcome).Observe(e.Took.Seconds())
	if e.Directory > 0 {
		m.directory.Observe(e.Directory.Seconds())
	}
	if e.Elsewhere > 0 {
		m.elsewhere.WithLabelValues(e.Method).Observe(e.Elsewhere.Seconds())
	}
	if e.Alarm {
		m.alarms.WithLabelValues(e.Client, string(e.Reason)).Inc()
	}
	if e.Emergency != "" {
		m.emergency.WithLabelValues(e.Client).Inc()
	}
}

// handler answers scrapes.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, Timeout: scrapeWithin})
}
