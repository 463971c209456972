// Package dictionary knows RADIUS attributes by the names that administrators
// use, and writes and reads them.
//
// It serves two readers: the reply rules, which turn a line of the
// configuration ("Fortinet-Group-Name" = "vpn-admins") into octets, and the
// test client, which turns the octets of a reply into lines again.
//
//	name ──Lookup──► Attribute ──Encode──► Encoded ──Append──► octets of a packet
//	octets of a packet ──Decode──► []Value ──String──► a line
//
// # Files
//
// The attributes are in the embedded *.txt files, one for the standard
// attributes and one for each vendor. [Dictionary.Parse] reads an operator's own file in the same
// format. A line is empty, a comment that begins with #, or one of:
//
//	vendor NAME NUMBER [TYPESIZE/LENGTHSIZE]
//	attribute NAME NUMBER TYPE [FLAG …]
//	values NAME=NUMBER …
//
// A vendor line gives the private enterprise number of the attributes that
// follow, up to the end of the file; without one they are standard attributes.
// The sizes are octets of the vendor's own type (1, 2, 4) and length (0, 1, 2)
// fields, for vendors that depart from the 1/1 that RFC 2865, section 5.26
// suggests. A values line names numbers of the integer attribute above it.
//
// The types are:
//
//	text        UTF-8; NUL and other control characters are refused but tab and line breaks
//	string      the same as text; the word most vendors use
//	octets      the octets of a text, or hexadecimal digits after 0x
//	integer     32 bits: decimal, hexadecimal after 0x, or a named value
//	ipaddr      192.0.2.1
//	ipv6addr    2001:db8::1
//	ipv6prefix  2001:db8::/64
//	ifid        0:0:0:1, or 16 hexadecimal digits
//	date        2018-06-13T00:00:00+02:00, or seconds since 1970
//
// The flags are:
//
//	tagged      carries a tag, which groups attributes (RFC 2868, section 3.1)
//	encrypted   is encrypted with a salt (RFC 2868, section 3.5); never printed
//	secret      never printed
//	request     is sent by devices, and means nothing in a reply
//	own         is made by the server itself, and is no matter of configuration
//
// When two names have the same number the first one is printed. Only
// attributes whose name and number could be checked against a second source
// are in the embedded files.
//
// # What it does not do
//
// It opens no packet and verifies nothing: what it decodes must have been
// authenticated. It knows no extended attributes (RFC 6929) and no nested
// ones. The package has no state: a Dictionary is read-only once it is loaded
// and parsed, and may then be shared.
package dictionary
