// Package tokens reads code generators and telephones of many people from files,
// to enroll them in one go, and writes code generators down for another product.
//
// [Formats] are the ways in which others write them. Each goes through a file
// and yields each row, or what is wrong with it and in which line, or why it is
// not meant to come over; no row is lost, and nothing is written, so that the same pass serves as a dry run. They
// do not know who exists, and do not notice that two people got the same
// secret: the caller does.
package tokens
