package preset

import "time"

// asked is how long a product waits that is set up as its page says: 60 s,
// what a telephone call needs and a little more. Its patience is a tenth less,
// so that it hears in time.
const asked = 54 * time.Second

// Settings that several products share. Their reason is the product's.

func patience(d time.Duration, why string) Setting { return Setting{"patience", d, why} }

func noQuestion(why string) Setting { return Setting{"challenge", false, why} }

func question(why string) Setting { return Setting{"challenge", true, why} }

func comma() Setting {
	return Setting{"append", "comma", "without questions the code is typed behind the password: password,123456"}
}

func signs(word, why string) Setting {
	return Setting{"require_message_authenticator", word, why}
}
