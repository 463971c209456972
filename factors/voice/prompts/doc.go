// Package prompts has what people hear in calls, in their languages: who is
// calling, what for, and which keys to press.
//
// A [Set] is opened once. [Set.Match] chooses the language, and each kind of
// message has a function that puts it together from clips: LANGUAGE/CLIP.wav,
// one for each sentence and each digit. They are part of the program, made by
// "make prompts" from LANGUAGE/texts.toml; a site's folder with the same names
// replaces them one by one, and adds what nobody else can record: the names of
// the organisation and of its services. A [Message] has the same as text, for
// services that speak by themselves.
//
// The sound is 8000 samples a second, mono, as telephones have it. Package
// espeak, below, makes clips from text. This package places no calls and knows
// no logins.
package prompts
