package attempts

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/login"
)

// Note keeps one event at once, on a page of its own: for a command that must
// not go on before it is written. A daemon that runs counts the page, and deletes
// it when its time is over, from the next day on.
func Note(ctx context.Context, kv login.Records, e login.Event) error {
	own := kept(&e)
	line, err := own.appendLine(nil)
	if err != nil {
		return err
	}
	var p packer
	data, err := p.pack(line)
	if err != nil {
		return err
	}
	var node [6]byte
	rand.Read(node[:])
	now := time.Now()
	key := fmt.Sprintf("%s%s/%013d-%s-%06d", pagePrefix, now.UTC().Format(hourFormat), now.UnixMilli(), hex.EncodeToString(node[:]), 1)
	if err := kv.Swap(ctx, key, 0, data); err != nil {
		return fmt.Errorf("keep the event: %w", err)
	}
	return nil
}
