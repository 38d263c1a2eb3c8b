package wire

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/sqlerr"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// Domain is the domain of every ErrorInfo that Attune attaches to a status.
const Domain = "attune"

// Reasons that services give each other in ErrorInfo.
const (
	// ReasonNotLeader says that another node leads the range; metadata "leader" is its address, if known.
	ReasonNotLeader = "NOT_LEADER"
	// ReasonStaleSchema says that a request was made for another version of a table.
	ReasonStaleSchema = "STALE_SCHEMA"
	// ReasonSQL says that the status carries a SqlError; metadata "sqlstate" is its code.
	ReasonSQL = "SQL"
)

// SQLErrorToProto encodes an error; one without SQLSTATE becomes an internal error.
func SQLErrorToProto(err error) *typesv1.SqlError {
	e := sqlerr.As(err)
	if e == nil {
		e = sqlerr.New(codeOf(err), "%w", err)
	}
	return &typesv1.SqlError{Code: string(e.Code), Message: e.Message, Detail: e.Detail, Hint: e.Hint,
		Position: uint32(max(e.Position, 0)), Schema: e.Schema, Table: e.Table, Column: e.Column,
		DataType: e.DataType, Constraint: e.Constraint, Where: e.Where}
}

// SQLErrorFromProto decodes an error; nil for nil.
func SQLErrorFromProto(p *typesv1.SqlError) error {
	if p == nil {
		return nil
	}
	code := sqlerr.Code(p.GetCode())
	if len(code) != 5 {
		code = sqlerr.InternalError
	}
	return &sqlerr.Error{Code: code, Message: p.GetMessage(), Detail: p.GetDetail(), Hint: p.GetHint(),
		Position: int(p.GetPosition()), Schema: p.GetSchema(), Table: p.GetTable(), Column: p.GetColumn(),
		DataType: p.GetDataType(), Constraint: p.GetConstraint(), Where: p.GetWhere()}
}

// codeOf gives errors that carry no SQLSTATE the one that fits them best.
func codeOf(err error) sqlerr.Code {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return sqlerr.QueryCanceled
	}
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded:
		return sqlerr.QueryCanceled
	case codes.Unavailable:
		return sqlerr.CannotConnectNow
	case codes.ResourceExhausted:
		return sqlerr.InsufficientResources
	}
	return sqlerr.InternalError
}

// ErrorToStatus turns an error into a gRPC status error with SqlError and ErrorInfo details. A status that is already one is
// passed on; nil stays nil.
func ErrorToStatus(err error) error {
	if err == nil {
		return nil
	}
	if sqlerr.As(err) == nil {
		if _, ok := status.FromError(err); ok {
			return err
		}
	}
	p := SQLErrorToProto(err)
	st := status.New(grpcCode(sqlerr.Code(p.Code)), p.Message)
	with, derr := st.WithDetails(p, &errdetails.ErrorInfo{Reason: ReasonSQL, Domain: Domain,
		Metadata: map[string]string{"sqlstate": p.Code}})
	if derr != nil {
		return st.Err()
	}
	return with.Err()
}

// ErrorFromStatus turns a gRPC error back into the *sqlerr.Error it was made of. A status without SqlError becomes an
// error of the best fitting SQLSTATE that wraps it; nil stays nil.
func ErrorFromStatus(err error) error {
	if err == nil {
		return nil
	}
	if sqlerr.As(err) != nil {
		return err
	}
	if st, ok := status.FromError(err); ok {
		for _, d := range st.Details() {
			if p, ok := d.(*typesv1.SqlError); ok {
				return SQLErrorFromProto(p)
			}
		}
		e := sqlerr.New(codeOf(err), "%w", err)
		e.Message = st.Message()
		return e
	}
	return sqlerr.New(codeOf(err), "%w", err)
}

// StatusReason returns the reason and metadata of the ErrorInfo that Attune attached to err, or "".
func StatusReason(err error) (string, map[string]string) {
	st, ok := status.FromError(err)
	if !ok {
		return "", nil
	}
	for _, d := range st.Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok && i.GetDomain() == Domain {
			return i.GetReason(), i.GetMetadata()
		}
	}
	return "", nil
}

// ReasonStatus returns a status error with an ErrorInfo of the given reason.
func ReasonStatus(code codes.Code, reason, message string, metadata map[string]string) error {
	st := status.New(code, message)
	with, err := st.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: Domain, Metadata: metadata})
	if err != nil {
		return st.Err()
	}
	return with.Err()
}

// grpcCode maps a SQLSTATE to the canonical code, by class where no condition stands out.
func grpcCode(c sqlerr.Code) codes.Code {
	switch c {
	case sqlerr.QueryCanceled:
		return codes.Canceled
	case sqlerr.UniqueViolation, sqlerr.DuplicateTable, sqlerr.DuplicateObject:
		return codes.AlreadyExists
	case sqlerr.UndefinedTable, sqlerr.UndefinedObject, sqlerr.UndefinedFunction, sqlerr.UndefinedColumn:
		return codes.NotFound
	case sqlerr.FeatureNotSupported:
		return codes.Unimplemented
	case sqlerr.CannotConnectNow, sqlerr.AdminShutdown, sqlerr.ConnectionFailure:
		return codes.Unavailable
	case sqlerr.DataCorrupted:
		return codes.DataLoss
	case sqlerr.StatementCompletionUnknown:
		return codes.Unknown
	}
	switch c.Class() {
	case "22", "42", "08", "26", "34":
		return codes.InvalidArgument
	case "23", "25", "2B", "55", "21":
		return codes.FailedPrecondition
	case "40":
		return codes.Aborted
	case "53", "54":
		return codes.ResourceExhausted
	case "28":
		return codes.PermissionDenied
	}
	return codes.Internal
}
