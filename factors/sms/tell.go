package sms

import (
	"context"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login"
)

// tellKey is the sentence that a number gets which is not the only one any more.
const tellKey = "phone_changed"

// Tell sends one of a person's old numbers that there is another one now. It
// returns at once; that a message could not be sent is in the log alone.
func (f *Factor) Tell(ctx context.Context, u login.User, to phone.Number) {
	f.sending.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
		defer cancel()
		err := f.caps.Take(ctx, u.Account.ID, to)
		if err == nil {
			text := f.texts.Text(u.Language, tellKey)
			if parts, _ := gsm.Parts(text); f.cfg.Transliterate || parts > 1 {
				text = gsm.Transliterate(text)
			}
			err = f.send.Deliver(ctx, gateway.Message{To: to, Text: text, Until: time.Now().Add(sendWithin)})
		}
		if err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "an old number was not told of the new one", slog.String(login.KeyAccount, u.Account.ID),
				slog.Any(login.KeyNumber, to), slog.Any(login.KeyErr, err))
		}
	})
}
