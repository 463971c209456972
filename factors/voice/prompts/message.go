package prompts

// A Message is something said in a call: as text for services that speak, and
// as sound for exchanges.
type Message struct {
	Text string
	// Audio has 8000 samples a second, mono. It is shared between calls:
	// nobody may change it.
	Audio []int16
}
