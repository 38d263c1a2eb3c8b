package pgtext

import "time"

// Env is what the text forms depend on beside the value. A nil Env means UTC and no clock.
type Env struct {
	// Location is the session's time zone; nil means UTC.
	Location *time.Location
	// Now is the start of the transaction, which 'now', 'today', 'yesterday' and 'tomorrow' refer to.
	Now time.Time
}

// Zone returns the session's time zone, never nil.
func (e *Env) Zone() *time.Location {
	if e == nil || e.Location == nil {
		return time.UTC
	}
	return e.Location
}

func (e *Env) now() time.Time {
	if e == nil {
		return time.Time{}
	}
	return e.Now
}
