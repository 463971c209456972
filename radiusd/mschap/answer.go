package mschap

import "fmt"

// An Answer is what a server has said about a proof.
type Answer struct {
	// Success is the value of MS-CHAP2-Success, Code the number behind E= of an
	// MS-CHAP-Error; 0 for none.
	Success []byte
	Code    int
	// Keys are MS-CHAP2-Success and the session's keys and what they are for,
	// encoded as they came.
	Keys []byte
}

// successLen is the octets of an MS-CHAP2-Success: the identifier, "S=" and 40
// hexadecimal digits (RFC 2548, section 2.3.3).
const successLen = 1 + 2 + 40

// ReadAnswer takes what is MS-CHAP's out of the encoded attributes of a reply.
// One that is there twice is an error.
func ReadAnswer(attributes []byte, ident byte) (a Answer, err error) {
	seen := map[byte]bool{}
	_, err = eachMicrosoft(attributes, func(_ []byte, typ byte, value []byte) ([]byte, error) {
		switch typ {
		case typeSuccess, typeError, typePolicy, typeTypes, typeSendKey, typeRecvKey:
			if seen[typ] {
				return nil, ErrForm
			}
			seen[typ] = true
		default:
			return nil, nil
		}
		switch typ {
		case typeError:
			a.Code = errorCode(value)
			return nil, nil
		case typeSuccess:
			// Who was asked proves herself with it: it must be about this proof.
			if len(value) != successLen || value[0] != ident || value[1] != 'S' || value[2] != '=' {
				return nil, ErrForm
			}
			a.Success = value
		}
		a.Keys = vsa(a.Keys, typ, value)
		return nil, nil
	})
	return a, err
}

// errorCode reads the number of "E=691 R=0 …" (RFC 2759, section 6), behind an
// identifier that some servers leave out; 0 where there is none.
func errorCode(value []byte) int {
	if len(value) > 0 && value[0] != 'E' {
		value = value[1:]
	}
	var code int
	if _, err := fmt.Sscanf(string(value), "E=%d", &code); err != nil || code < 0 {
		return 0
	}
	return code
}
