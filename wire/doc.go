// Package wire is the codec between the engine's values and the messages of package proto, and nothing else.
//
// XToProto never fails for a value the engine can hold. XFromProto treats its input as hostile: whatever it
// accepts is safe to compute with, and everything else is an error, never a panic. Messages and values may share
// memory, so neither side changes what went through here.
package wire
