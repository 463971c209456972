// Package pace says when garbage is collected: programs that answer logins
// leave a fixed room for it, since a percentage of what is live would collect
// all the time when that is little, and waste memory when it is much. Both
// "portvakt serve" and the benchmark's own servers run it, so that the figures
// of one say something of the other.
//
// It changes settings of the whole process and is for main packages.
package pace
