package audio

import (
	"os/exec"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

// What people say on the telephone, in the languages of the prompts. espeak-ng
// has no voice for nn: the one for nb reads it.
var spoken = []struct{ language, voice, text string }{
	{"en", "en", `Hello? Yes, this is she. Someone is signing in to my account right now? Well, I do not know about that, let me
		think. My number is seven five three, nine zero two one, extension eighteen. We were eight people at the office this
		morning, and all eight of us lost the network at nine o'clock. Who are you? No, wait, I am just opening the laptop. Oh,
		it says to press the hash key. Where is the hash key? Mmm. All right, all right. Hello? Are you still there?`},
	{"nb", "nb", `Hallo? Ja, det er meg. Er det noen som logger på med kontoen min nå? Nei, det vet jeg ikke noe om, vent litt. Nummeret
		mitt er syv fem tre, ni null to en, linje atten. Vi var åtte stykker på kontoret i dag tidlig, og alle åtte mistet
		nettet klokka ni. Hvem er du? Nei, vent, jeg holder på å åpne maskinen. Å, det står at jeg skal trykke firkant. Hvor er
		firkanten? Mmm. Ja vel, ja vel. Hallo? Er du der ennå? Kjøleskapet står og durer, så jeg hører deg nesten ikke.`},
	{"nn", "nb", `Hallo? Ja, det er eg. Er det nokon som loggar på med kontoen min no? Nei, det veit eg ikkje noko om, vent litt. Nummeret
		mitt er sju fem tre, ni null to ein, linje atten. Vi var åtte stykke på kontoret i dag tidleg, og alle åtte mista nettet
		klokka ni. Kven er du? Nei, vent, eg held på å opne maskina. Å, det står at eg skal trykkje firkant. Kvar er firkanten?
		Mmm. Ja vel, ja vel. Hallo? Er du der enno? Kjøleskåpet står og durar, så eg høyrer deg nesten ikkje.`},
	{"de", "de", `Hallo? Ja, am Apparat. Jemand meldet sich gerade mit meinem Konto an? Davon weiß ich nichts, warten Sie einen Augenblick.
		Meine Nummer ist sieben fünf drei, neun null zwo eins, Durchwahl achtzehn. Wir waren heute früh acht Leute im Büro, und
		alle acht hatten um neun Uhr kein Netz mehr. Wer sind Sie? Nein, Moment, ich mache gerade den Rechner auf. Ach, da steht,
		ich soll die Rautetaste drücken. Wo ist die Rautetaste? Hmm. Na gut, na gut. Hallo? Sind Sie noch dran?`},
	{"sv", "sv", `Hallå? Ja, det är jag. Är det någon som loggar in med mitt konto nu? Nej, det vet jag ingenting om, vänta lite. Mitt nummer
		är sju fem tre, nio noll två ett, anknytning arton. Vi var åtta stycken på kontoret i morse, och alla åtta tappade nätet
		klockan nio. Vem är du? Nej, vänta, jag håller på att öppna datorn. Jaha, det står att jag ska trycka fyrkant. Var är
		fyrkanten? Mmm. Jo då, jo då. Hallå? Är du kvar? Kylskåpet står och surrar, så jag hör dig knappt.`},
	{"da", "da", `Hallo? Ja, det er mig. Er der nogen, der logger på med min konto nu? Nej, det ved jeg ikke noget om, vent lidt. Mit nummer
		er syv fem tre, ni nul to en, lokal atten. Vi var otte mennesker på kontoret i morges, og alle otte mistede nettet
		klokken ni. Hvem er du? Nej, vent, jeg er ved at åbne computeren. Nå, der står, at jeg skal trykke på firkant. Hvor er
		firkanten? Mmm. Ja ja, ja ja. Hallo? Er du der endnu? Køleskabet står og brummer, så jeg hører dig næsten ikke.`},
	{"fi", "fi", `Haloo? Kyllä, minä täällä. Kirjautuuko joku nyt sisään minun tililläni? En tiedä siitä mitään, odottakaa hetki. Numeroni on
		seitsemän viisi kolme, yhdeksän nolla kaksi yksi, alanumero kahdeksantoista. Meitä oli aamulla toimistossa kahdeksan, ja
		kaikilta kahdeksalta katosi verkko kello yhdeksän. Kuka te olette? Ei, hetkinen, avaan juuri konetta. Ai, siinä sanotaan,
		että pitää painaa ruutua. Missä ruutu on? Mmm. Hyvä on, hyvä on. Haloo? Oletteko vielä siellä?`},
	{"fr", "fr", `Allô ? Oui, c'est moi. Quelqu'un se connecte à mon compte en ce moment ? Non, je ne suis pas au courant, attendez un peu. Mon
		numéro est le sept cinq trois, neuf zéro deux un, poste dix-huit. Nous étions huit au bureau ce matin, et tous les huit
		nous avons perdu le réseau à neuf heures. Qui êtes-vous ? Non, attendez, j'ouvre l'ordinateur. Ah, il est écrit
		d'appuyer sur la touche dièse. Où est la touche dièse ? Euh. Bon, d'accord, d'accord. Allô ? Vous êtes toujours là ?`},
}

// A deep voice and a high one: variant, pitch and words a minute.
var speakers = []struct{ variant, pitch, speed string }{
	{"+m3", "30", "140"},
	{"+f4", "90", "150"},
}

const spokenFor = 60 * time.Second

// speech is a text read by every speaker, at 8000 Hz, as loud as can be.
func speech(t testing.TB, voice, text string) []int16 {
	t.Helper()
	peer.Need(t, "espeak-ng", "sox")
	var pcm []int16
	for _, s := range speakers {
		read := exec.Command("espeak-ng", "-v", voice+s.variant, "-p", s.pitch, "-s", s.speed, "--stdout", text)
		said, err := read.Output()
		if err != nil {
			t.Fatalf("espeak-ng: %v", err)
		}
		raw := sox(t, said, args([]string{"-t", "wav", "--ignore-length"}, stdin, soxPCM, stdin, []string{"gain", "-n", "-1"})...)
		pcm = append(pcm, samplesOf(raw)...)
	}
	return pcm
}

// louder is a sound of another level; what is too loud is clipped, as by a bad
// microphone.
func louder(pcm []int16, dB float64) []int16 {
	out, by := make([]int16, len(pcm)), amplitude(dB)/milliwatt
	for i, x := range pcm {
		out[i] = int16(max(-32768, min(32767, float64(x)*by)))
	}
	return out
}

// Attack: the greeting of a voicemail box, or a person who only talks, is taken
// for the key that approves.
func TestSpeechHasNoKeys(t *testing.T) {
	for _, s := range spoken {
		t.Run(s.language, func(t *testing.T) {
			t.Parallel()
			pcm := speech(t, s.voice, s.text)
			if got := time.Duration(len(pcm)) * time.Second / Rate; got < spokenFor {
				t.Fatalf("%v of speech, want %v", got, spokenFor)
			}
			for _, c := range []struct {
				name string
				pcm  []int16
			}{
				{"as it is", pcm},
				{"through A-law, 20 dB quieter", through(ALaw, louder(pcm, -20))},
				{"through mu-law, 9 dB too loud", through(MuLaw, louder(pcm, 9))},
			} {
				if got := heard(c.pcm); got != "" {
					t.Errorf("%s: heard %q", c.name, got)
				}
			}
		})
	}
}

// A person may press while somebody talks in the room.
func TestKeysAreFoundBesideQuietSpeech(t *testing.T) {
	talk := louder(speech(t, spoken[0].voice, spoken[0].text), -24)
	pcm := Press(allKeys, 120*ms, 120*ms, -8)
	if got := heard(through(ALaw, mixed(pcm, talk[Rate:]))); got != allKeys {
		t.Errorf("got %q, want %q", got, allKeys)
	}
}

func TestNoiseHasNoKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"whitenoise", "pinknoise"} {
		for i, volume := range []string{"0.9", "0.05"} {
			pcm := samplesOf(sox(t, nil, args([]string{"-n"}, soxPCM, stdin, []string{"synth", "60", kind, "vol", volume})...))
			if got := heard(through(laws[i].law, pcm)); got != "" || len(pcm) < 60*Rate {
				t.Errorf("%s at %s, %v: heard %q in %d samples", kind, volume, laws[i].law, got, len(pcm))
			}
		}
	}
}

// Tones of exchanges, faxes and music on hold: what a call may bring that is
// sound and no speech.
func TestTonesAreNoKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sound string
		pcm   []int16
	}{
		{"dial tone of Europe", Tone(10*time.Second, -10, 425)},
		{"dial tone of North America", Tone(10*time.Second, -10, 350, 440)},
		{"ringing tone", join(ringing(), ringing())},
		{"ringing tone of North America", Tone(10*time.Second, -10, 440, 480)},
		{"busy tone of North America", Tone(10*time.Second, -10, 480, 620)},
		{"special information tones", join(Tone(330*ms, -10, 950), Tone(330*ms, -10, 1400), Tone(330*ms, -10, 1800))},
		{"a fax that calls", Tone(10*time.Second, -10, 1100)},
		{"a fax that answers", Tone(10*time.Second, -10, 2100)},
		{"the beep of a voicemail box", Tone(time.Second, -5, 1000)},
		{"mains hum", Tone(10*time.Second, -10, 50, 100, 150)},
		{"a square wave of a row", square(10*time.Second, 770)},
		{"a siren through all rows and columns", sweep(20 * time.Second)},
		{"a tune of plucked strings", tune("pluck")},
		{"a tune of organ pipes", tune("sawtooth")},
		{"a tune of flutes", tune("triangle")},
	} {
		if got := heard(through(ALaw, c.pcm)); got != "" {
			t.Errorf("%s: heard %q", c.sound, got)
		}
	}
}

// ringing is one period of the ringing tone of most of Europe (ITU-T E.180).
func ringing() []int16 {
	return append(Tone(time.Second, -10, 425), Silence(4*time.Second)...)
}
