// Package metrics shows what a daemon does to Prometheus, and to whoever asks
// whether it is well.
//
//	events ──► Metrics ◄── Facts, when somebody asks
//	              │
//	   GET /metrics  /healthz  /readyz
//
// A series has names of the configuration and words of a closed list in its labels,
// never the name of a person, her number or her address: nobody outside can make
// series, and nothing in them has to be kept from those who may look.
package metrics
