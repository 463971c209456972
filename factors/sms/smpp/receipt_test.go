package smpp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// delivered is the body of a deliver_sm.
func delivered(class byte, text string, tags ...byte) []byte {
	b := appendText(nil, "")
	b = Address{1, 1, "4741234567"}.append(b)
	b = Address{5, 0, "UiT"}.append(b)
	b = append(b, class, 0, 0)
	b = appendText(appendText(b, ""), "")
	b = append(b, 0, 0, 0, 0, byte(len(text)))
	return append(append(b, text...), tags...)
}

const receiptOfAppendixB = "id:0a1B-2 sub:001 dlvrd:001 submit date:2611230900 done date:2611230901 stat:DELIVRD err:000 text:stat:REJECTD id:no"

func TestReceipts(t *testing.T) {
	t.Parallel()
	tagged := appendTag(appendTag(nil, receiptedMessageID, []byte("tag-1\x00")...), messageState, 2)
	for _, row := range []struct {
		rule string
		body []byte
		want string
	}{
		{"by text", delivered(esmReceipt, receiptOfAppendixB), "0a1B-2 delivered final"},
		{"in other letters", delivered(esmReceipt, "ID:7 STAT:undeliv"), "7 undeliverable final"},
		{"expired", delivered(esmReceipt, "id:7 stat:EXPIRED"), "7 expired final"},
		{"rejected", delivered(esmReceipt, "id:7 stat:REJECTD"), "7 rejected final"},
		{"deleted", delivered(esmReceipt, "id:7 stat:DELETED"), "7 undeliverable final"},
		{"under way", delivered(esmReceipt, "id:7 stat:ACCEPTD"), "7 accepted"},
		{"on its way", delivered(esmReceipt, "id:7 stat:ENROUTE"), "7 accepted"},
		{"nobody knows", delivered(esmReceipt, "id:7 stat:UNKNOWN"), "7 unknown"},
		{"a word that is none", delivered(esmReceipt, "id:7 stat:WHAT"), "7 unknown"},
		{"no state at all", delivered(esmReceipt, "id:7"), "7 unknown"},
		{"by parameters", delivered(esmReceipt, "", tagged...), "tag-1 delivered final"},
		{"parameters are better than text", delivered(esmReceipt, "id:7 stat:REJECTD", tagged...), "tag-1 delivered final"},
		{"parameters without the class", delivered(0, "", tagged...), "tag-1 delivered final"},
		{"a state that is none", delivered(esmReceipt, "id:7", appendTag(nil, messageState, 99)...), "7 unknown"},
		{"notice of an attempt is not the last word", delivered(esmIntermediate, "id:7 stat:UNDELIV"), "7 undeliverable"},
		{"text in message_payload", delivered(esmReceipt, "", appendTag(nil, messagePayload, []byte("id:9 stat:DELIVRD")...)...), "9 delivered final"},
		{"a stranger who writes like a receipt", delivered(0, receiptOfAppendixB), "none"},
		{"somebody's acknowledgement", delivered(0x08, receiptOfAppendixB), "none"},
		{"an answer by hand", delivered(0x10, receiptOfAppendixB, tagged...), "none"},
		{"no id", delivered(esmReceipt, "stat:DELIVRD"), "none"},
		{"an id that is none", delivered(esmReceipt, "id:\x01 stat:DELIVRD"), "none"},
		{"an id behind the text", delivered(esmReceipt, "stat:DELIVRD text:id:7"), "none"},
	} {
		d, err := readDelivery(row.body)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		got := "none"
		if r, ok := d.receipt(time.Now()); ok {
			got = fmt.Sprintf("%s %s", r.MessageID, r.State)
			if r.Final {
				got += " final"
			}
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
}

func TestReceiptInUCS2(t *testing.T) {
	t.Parallel()
	var wide []byte
	for _, c := range []byte("id:7 stat:DELIVRD") {
		wide = append(wide, 0, c)
	}
	d := delivery{class: esmReceipt, coding: dataCodingUCS2, message: wide}
	if r, ok := d.receipt(time.Now()); !ok || r.MessageID != "7" || r.State != Delivered {
		t.Errorf("got %+v", r)
	}
}

func TestReceiptsReachTheHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.answer = func(c *conversation, p pdu) {
			if p.command == submitSM {
				// Some SMSCs are so quick that the receipt comes first.
				c.say(pdu{command: deliverSM, sequence: 501, body: delivered(esmReceipt, "id:id-1 stat:DELIVRD")})
				c.say(pdu{command: deliverSM, sequence: 502, body: delivered(0, "STOP")})
			}
			accepts(c, p)
		}
		got := make(chan Receipt, 2)
		c, _ := piped(t, s, func(c *Client) { c.onReceipt = func(r Receipt) { got <- r } })
		id, err := send(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if r := <-got; r != (Receipt{MessageID: id, State: Delivered, Final: true, At: time.Now()}) {
			t.Errorf("got %+v for %s", r, id)
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Error("a reply is taken for a receipt")
		}
		if n := len(s.all(deliverSM.answer())); n != 2 {
			t.Errorf("%d of 2 deliver_sm are answered", n)
		}
	})
}
