// Package keys encodes values as bytes whose order under bytes.Compare is the SQL order of the values, so that an ordered
// key-value store keeps tables and indexes in their order.
//
// Format. A key is the prefix of a table's index, then one field for each key column:
//
//	prefix   table identifier, index identifier: ordered unsigned varints
//	field    0x01 and the value's bytes, or 0x02 for NULL, which therefore sorts last
//
// A descending field is the complement of every one of its bytes. No field is a proper prefix of another field of its type, so the
// fields of a key can be taken apart again and a key of leading fields is a prefix of exactly the keys that agree on them. The
// first byte of a key is never 0xff, which is left to the store.
//
// Values that SQL holds equal have equal bytes. For some kinds that loses what tells equal values apart (the display scale of
// a numeric, the sign of a zero, the blanks of a char, the parts of an interval): see Exact. Package rows keeps those beside the key.
package keys
