package pgwire

import (
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/sqlerr"
)

// Codes that stand in place of a protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSSENC = 80877104
)

const (
	protocolMajor   = 3
	protocolNewest  = protocolMajor << 16
	maxStartupBytes = 10_000
)

// startupRequest is a decoded start-up packet: exactly one of cancel, encryption and session is what it asks for.
type startupRequest struct {
	cancel     bool
	id, secret uint32

	encryption bool

	user, database string
	settings       map[string]string
	// negotiate tells that the client asked for a newer minor version or for options of it, which are unrecognized.
	negotiate    bool
	unrecognized []string
}

// decodeStartup reads the body of a start-up packet. Errors are fatal ones.
func decodeStartup(body []byte) (*startupRequest, error) {
	if len(body) < 4 {
		return nil, fatalf(sqlerr.ProtocolViolation, "invalid length of startup packet")
	}
	version := binary.BigEndian.Uint32(body)
	switch version {
	case codeSSL, codeGSSENC:
		return &startupRequest{encryption: true}, nil
	case codeCancel:
		if len(body) != 12 {
			return nil, fatalf(sqlerr.ProtocolViolation, "invalid length of cancel request packet")
		}
		return &startupRequest{cancel: true, id: binary.BigEndian.Uint32(body[4:]), secret: binary.BigEndian.Uint32(body[8:])}, nil
	}
	if major := version >> 16; major != protocolMajor {
		return nil, fatalf(sqlerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", major, version&0xffff)
	}
	r := &startupRequest{negotiate: version != protocolNewest, settings: map[string]string{}}
	// The minor version has been dealt with; pgproto3 knows but two of them.
	plain := append(binary.BigEndian.AppendUint32(nil, pgproto3.ProtocolVersion30), body[4:]...)
	var m pgproto3.StartupMessage
	if err := m.Decode(plain); err != nil {
		return nil, fatalf(sqlerr.ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
	}
	return r, r.take(m.Parameters)
}

func (r *startupRequest) take(params map[string]string) error {
	for name, value := range params {
		switch {
		case name == "user":
			r.user = value
		case name == "database":
			r.database = value
		case name == "replication":
			switch strings.ToLower(value) {
			case "false", "off", "no", "0", "":
			default:
				return fatalf(sqlerr.FeatureNotSupported, "replication connections are not supported")
			}
		case name == "options":
			if err := r.options(value); err != nil {
				return err
			}
		case strings.HasPrefix(name, "_pq_."):
			r.negotiate = true
			r.unrecognized = append(r.unrecognized, name)
		}
	}
	// Settings of their own win over those inside options, as PostgreSQL applies them later.
	for name, value := range params {
		switch name {
		case "user", "database", "replication", "options":
		default:
			if !strings.HasPrefix(name, "_pq_.") {
				r.settings[name] = value
			}
		}
	}
	if r.user == "" {
		return fatalf(sqlerr.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet")
	}
	if r.database == "" {
		r.database = r.user
	}
	return nil
}

// options reads command-line options: -c name=value and --name=value, where a backslash keeps the character behind it.
func (r *startupRequest) options(s string) error {
	words := splitOptions(s)
	for i := 0; i < len(words); i++ {
		word, ok := strings.CutPrefix(words[i], "--")
		if !ok {
			if word, ok = strings.CutPrefix(words[i], "-c"); ok && word == "" {
				if i++; i < len(words) {
					word = words[i]
				}
			}
		}
		name, value, assigned := strings.Cut(word, "=")
		if !ok || !assigned || name == "" {
			return fatalf(sqlerr.SyntaxError, "invalid command-line argument for server process: %s", words[min(i, len(words)-1)])
		}
		r.settings[strings.ReplaceAll(name, "-", "_")] = value
	}
	return nil
}

func splitOptions(s string) []string {
	var words []string
	var word []byte
	in := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			if in {
				words = append(words, string(word))
			}
			word, in = word[:0], false
		case c == '\\' && i+1 < len(s):
			i++
			word, in = append(word, s[i]), true
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		words = append(words, string(word))
	}
	return words
}
