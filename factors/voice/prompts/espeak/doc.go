// Package espeak makes clips for telephones from text, with the program
// espeak-ng: it has it speak, and then takes away what a telephone does not
// carry, and silence, and brings all clips to the same level.
//
// It is for making recordings beforehand. Nothing is spoken by it while
// somebody waits.
package espeak
