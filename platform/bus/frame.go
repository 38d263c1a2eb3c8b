package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// batchHeader marks a message that holds several events, and says how many. A message without it is one event, its id in
// Nats-Msg-Id and its trace context in traceparent, so that any NATS client can read it.
const batchHeader = "Attune-Batch"

// A batch is, for each event, three fields (id, traceparent, data), each an unsigned varint length and its bytes.

// errFrame is the cause of every malformed batch.
var errFrame = errors.New("malformed batch")

func encodeBatch(events []Event) []byte {
	size := 0
	for i := range events {
		size += events[i].sizeBytes()
	}
	out := make([]byte, 0, size)
	for i := range events {
		out = appendField(out, events[i].ID)
		out = appendField(out, events[i].traceParent)
		out = appendField(out, events[i].Data)
	}
	return out
}

func appendField[B string | []byte](out []byte, field B) []byte {
	out = binary.AppendUvarint(out, uint64(len(field)))
	return append(out, field...)
}

// decodeBatch splits a batch. The events' data alias b.
func decodeBatch(b []byte, count int) ([]Event, error) {
	// Each event takes three bytes at least, which bounds what a wrong count can make us allocate.
	if count < 0 || count > len(b)/3 {
		return nil, fmt.Errorf("bus: %d events in %d bytes: %w", count, len(b), errFrame)
	}
	events := make([]Event, 0, count)
	for len(b) > 0 {
		var fields [3][]byte
		for i := range fields {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)-used) {
				return nil, fmt.Errorf("bus: event %d: %w", len(events), errFrame)
			}
			fields[i], b = b[used:used+int(n)], b[used+int(n):]
		}
		events = append(events, Event{ID: string(fields[0]), traceParent: string(fields[1]), Data: fields[2]})
	}
	if len(events) != count {
		return nil, fmt.Errorf("bus: %d events, header says %d: %w", len(events), count, errFrame)
	}
	return events, nil
}
