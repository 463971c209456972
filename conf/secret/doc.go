// Package secret holds configured secrets: shared secrets, bind passwords,
// keys. A [Value] prints as "[redacted]" however it is printed, so that it
// cannot reach a log, an error or a dump of the configuration by accident.
//
// Package conf reads them, from the configuration or from a file that it
// names; a Config holds them, and whoever needs the text calls [Value.Reveal]
// where it is used.
//
// It does not protect the memory of the process: a text that was read is
// there in the clear.
package secret
