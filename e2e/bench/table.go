package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine says what the figures were measured on.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d processors (%s), %s %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}

// of is the median over a contender's turns.
func (k *contender) of(value func(result) float64) float64 {
	var values []float64
	for _, r := range k.turns {
		values = append(values, value(r))
	}
	return median(values)
}

// total adds up over a contender's turns.
func (k *contender) total(value func(result) int) (sum int) {
	for _, r := range k.turns {
		sum += value(r)
	}
	return sum
}

func perSecond(r result) float64    { return r.perSecond() }
func serverMicros(r result) float64 { return micro(r.each(serverName)) }

// milli are milliseconds.
func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// writeTable writes contenders as a markdown table.
func writeTable(w io.Writer, title string, all []*contender) {
	fmt.Fprintf(w, "\n### %s\n\n", title)
	fmt.Fprintln(w, "| server | logins/s | CPU us/login | slapd us/login | p50 ms | p99 ms | RSS MiB | of it files | lost | wrong |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	for _, k := range all {
		directory := "–"
		if _, measured := k.turns[0].processor[directoryName]; measured && k != all[0] {
			directory = fmt.Sprintf("%.0f", k.of(func(r result) float64 { return micro(r.each(directoryName)) }))
		}
		fmt.Fprintf(w, "| %s | %.0f | %.1f | %s | %.1f | %.1f | %.0f | %.0f | %d | %d |\n", k.name, k.of(perSecond), k.of(serverMicros), directory,
			k.of(func(r result) float64 { return milli(r.p50) }), k.of(func(r result) float64 { return milli(r.p99) }),
			k.of(func(r result) float64 { return mebi(r.sizes[serverName].resident) }),
			k.of(func(r result) float64 { return mebi(r.sizes[serverName].files) }),
			k.total(func(r result) int { return r.lost }), k.total(func(r result) int { return r.wrong }))
		if n := k.total(func(r result) int { return r.boundary }); n > 0 {
			note("%s refused %d right codes at the edge of a step: under way when one period of 30 seconds gave way to the next, or the same in both.", k.name, n)
		}
		if n := k.total(func(r result) int { return int(r.flooded) }); n > 0 {
			note("%s was sent %d bad packets.", k.name, n)
		}
		if n := k.total(func(r result) int { return btoi(r.short) }); n > 0 {
			note("%d windows of %s ended early, everybody's code being used: more `-users` make them longer.", n, k.name)
		}
	}
	fmt.Fprintln(w)
	for _, n := range notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
	if len(notes) > 0 {
		fmt.Fprintln(w)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A ratio sets one contender beside another.
type ratio struct{ of, to *contender }

// writeRatios writes how contenders compare.
func writeRatios(w io.Writer, ratios []ratio) {
	if len(ratios) == 0 {
		return
	}
	fmt.Fprintln(w, "| compared | logins/s | CPU/login |")
	fmt.Fprintln(w, "|---|---:|---:|")
	for _, r := range ratios {
		fmt.Fprintf(w, "| %s ÷ %s | %.2f | %.2f |\n", r.of.name, r.to.name,
			r.of.of(perSecond)/r.to.of(perSecond), r.of.of(serverMicros)/r.to.of(serverMicros))
	}
}
