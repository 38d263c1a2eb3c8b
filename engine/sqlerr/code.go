package sqlerr

// Code is a SQLSTATE: two characters of class, three of condition.
type Code string

// The SQLSTATEs Attune raises, by PostgreSQL's condition names (PostgreSQL manual, Appendix A).
const (
	SuccessfulCompletion              Code = "00000"
	ConnectionFailure                 Code = "08006"
	ProtocolViolation                 Code = "08P01"
	FeatureNotSupported               Code = "0A000"
	CardinalityViolation              Code = "21000"
	StringDataRightTruncation         Code = "22001"
	NumericValueOutOfRange            Code = "22003"
	NullValueNotAllowed               Code = "22004"
	InvalidDatetimeFormat             Code = "22007"
	DatetimeFieldOverflow             Code = "22008"
	SubstringError                    Code = "22011"
	DivisionByZero                    Code = "22012"
	IntervalFieldOverflow             Code = "22015"
	InvalidArgumentForLogarithm       Code = "2201E"
	InvalidArgumentForPowerFunction   Code = "2201F"
	InvalidRowCountInLimitClause      Code = "2201W"
	InvalidRowCountInOffsetClause     Code = "2201X"
	CharacterNotInRepertoire          Code = "22021"
	InvalidParameterValue             Code = "22023"
	InvalidEscapeSequence             Code = "22025"
	InvalidTextRepresentation         Code = "22P02"
	InvalidBinaryRepresentation       Code = "22P03"
	BadCopyFileFormat                 Code = "22P04"
	UntranslatableCharacter           Code = "22P05"
	NotNullViolation                  Code = "23502"
	ForeignKeyViolation               Code = "23503"
	UniqueViolation                   Code = "23505"
	CheckViolation                    Code = "23514"
	InvalidTransactionState           Code = "25000"
	ActiveSQLTransaction              Code = "25001"
	ReadOnlySQLTransaction            Code = "25006"
	NoActiveSQLTransaction            Code = "25P01"
	InFailedSQLTransaction            Code = "25P02"
	InvalidSQLStatementName           Code = "26000"
	InvalidAuthorizationSpecification Code = "28000"
	DependentObjectsStillExist        Code = "2BP01"
	InvalidCursorName                 Code = "34000"
	SerializationFailure              Code = "40001"
	StatementCompletionUnknown        Code = "40003"
	DeadlockDetected                  Code = "40P01"
	SyntaxError                       Code = "42601"
	InvalidColumnReference            Code = "42P10"
	AmbiguousColumn                   Code = "42702"
	UndefinedColumn                   Code = "42703"
	UndefinedObject                   Code = "42704"
	DuplicateObject                   Code = "42710"
	DuplicateAlias                    Code = "42712"
	AmbiguousFunction                 Code = "42725"
	DuplicateColumn                   Code = "42701"
	GroupingError                     Code = "42803"
	DatatypeMismatch                  Code = "42804"
	WrongObjectType                   Code = "42809"
	InvalidForeignKey                 Code = "42830"
	CannotCoerce                      Code = "42846"
	UndefinedFunction                 Code = "42883"
	ReservedName                      Code = "42939"
	UndefinedTable                    Code = "42P01"
	UndefinedParameter                Code = "42P02"
	DuplicateCursor                   Code = "42P03"
	DuplicatePreparedStatement        Code = "42P05"
	DuplicateTable                    Code = "42P07"
	AmbiguousParameter                Code = "42P08"
	InvalidTableDefinition            Code = "42P16"
	IndeterminateDatatype             Code = "42P18"
	InsufficientResources             Code = "53000"
	DiskFull                          Code = "53100"
	OutOfMemory                       Code = "53200"
	TooManyConnections                Code = "53300"
	ConfigurationLimitExceeded        Code = "53400"
	ProgramLimitExceeded              Code = "54000"
	StatementTooComplex               Code = "54001"
	TooManyColumns                    Code = "54011"
	ObjectNotInPrerequisiteState      Code = "55000"
	CantChangeRuntimeParam            Code = "55P02"
	LockNotAvailable                  Code = "55P03"
	QueryCanceled                     Code = "57014"
	AdminShutdown                     Code = "57P01"
	CannotConnectNow                  Code = "57P03"
	IOError                           Code = "58030"
	InternalError                     Code = "XX000"
	DataCorrupted                     Code = "XX001"
)

// Class returns the two-character class of the code.
func (c Code) Class() string {
	if len(c) < 2 {
		return ""
	}
	return string(c[:2])
}

// Retryable reports whether the same transaction may succeed when it is run again unchanged.
func (c Code) Retryable() bool {
	switch c {
	case SerializationFailure, DeadlockDetected, CannotConnectNow, AdminShutdown, LockNotAvailable:
		return true
	}
	return false
}
