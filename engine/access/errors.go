package access

import "errors"

// ErrStaleSchema marks a request made for another version of a table than storage knows: plan again and retry.
var ErrStaleSchema = errors.New("access: the table's schema has changed")
