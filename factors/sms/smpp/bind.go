package smpp

// interfaceVersion is SMPP 3.4 (section 5.2.4).
const interfaceVersion = 0x34

// bindBody is the same for the three ways to bind (SMPP 3.4, section 4.1).
// The range of addresses at its end is empty: the SMSC knows which are ours.
func bindBody(user, password, systemType string) []byte {
	b := appendText(nil, user)
	b = appendText(b, password)
	b = appendText(b, systemType)
	return appendText(append(b, interfaceVersion, TONUnknown, NPIUnknown), "")
}
