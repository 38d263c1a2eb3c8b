// Package rows turns rows into the keys and values that storage keeps, and back.
//
// A table's row is one entry of its primary index: the key holds the primary key columns (package keys), the value all
// other columns, and those key columns that a key does not hold exactly. A secondary index has one entry for each row:
//
//	unique, no NULL in the key   key: index columns; value: primary key fields
//	otherwise                    key: index columns, then primary key fields; value: empty
//
// so a unique key exists at most once, and NULLs never collide.
//
// Format of a row's value, version 1:
//
//	1 byte    version << 4 | flags (bit 0: end offsets take 4 bytes instead of 2)
//	uvarint   columns of the table when the row was written: c
//	uvarint   bytes of fixed-width values
//	uvarint   number of variable-width values
//	⌈c/8⌉     validity bitmap over all columns of the table
//	          fixed-width values of the stored columns in ordinal order, zero for NULL
//	          end offset of each variable-width value, from the end of the offsets
//	          variable-width values
//
// A column that was added after the row was written reads as NULL, and columns that the reader does not know are skipped, so
// rows need no rewriting when a column is added at the end. A numeric counts as variable-width: see appendDecimal.
package rows
