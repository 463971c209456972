//go:build !linux

package radiusd

import "syscall"

const oobSize = 0

// control sets nothing: replies from a wildcard address leave from the one the
// system chooses, so list each address on its own.
func (s *socket) control(_, _ string, _ syscall.RawConn) error { return nil }

func (s *socket) room() (int, error) { return receiveBuffer, s.conn.SetReadBuffer(receiveBuffer) }

func (s *socket) ancillary(_ []byte, _ *route) {}

func (s *socket) from(_ []byte, _ *route) []byte { return nil }
