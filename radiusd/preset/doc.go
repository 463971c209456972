// Package preset knows products that ask over RADIUS: what a [[client]] block
// should say for each of them, and where on the product itself its part is
// typed.
//
// It is a table. A Preset has Settings, keys of a [[client]] block with their
// value and the reason for it, and Fixes, the places on the product where a
// time-out, a secret or a signature is set. Package radiusd lays the settings
// under the keys that the file has; `portvakt doctor` tells the fixes. Each
// preset has a page in docs/nas, which says where its facts come from and
// whether they were tried on the real product.
//
// It does not speak RADIUS and decides nothing.
package preset
