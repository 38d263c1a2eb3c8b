package session

import "strings"

// settingKind says which values a setting takes.
type settingKind uint8

const (
	kindText settingKind = iota
	kindBool
	kindInt
	kindFloat
	kindEnum
	kindMillis
	kindZone
	kindEncoding
	kindDateStyle
	kindBytes
)

// setting is a known setting.
type setting struct {
	name, def string
	kind      settingKind
	// values of an enum; low and high bound a number.
	values    []string
	low, high int64
	// reported settings are told to the client, planning ones to the planner; fixed ones cannot be changed.
	reported, planning, fixed bool
}

// knownSettings are PostgreSQL's that clients send or ask for, and Attune's. Those without effect here are kept as they are set.
func knownSettings() map[string]*setting {
	isolation := []string{"read uncommitted", "read committed", "repeatable read"}
	list := []setting{
		{name: "server_version", def: "15.8 (Attune)", reported: true, fixed: true},
		{name: "server_version_num", def: "150008", fixed: true},
		{name: "server_encoding", def: "UTF8", reported: true, fixed: true},
		{name: "integer_datetimes", def: "on", reported: true, fixed: true},
		{name: "in_hot_standby", def: "off", reported: true, fixed: true},
		{name: "is_superuser", def: "on", reported: true, fixed: true},
		{name: "session_authorization", reported: true, fixed: true},
		{name: "max_identifier_length", def: "63", fixed: true},
		{name: "max_index_keys", def: "32", fixed: true},
		{name: "block_size", def: "8192", fixed: true},
		{name: "lc_collate", def: "C", fixed: true},
		{name: "lc_ctype", def: "C", fixed: true},
		{name: "client_encoding", def: "UTF8", kind: kindEncoding, reported: true},
		{name: "DateStyle", def: "ISO, MDY", kind: kindDateStyle, reported: true},
		{name: "IntervalStyle", def: "postgres", kind: kindEnum, values: []string{"postgres"}, reported: true},
		{name: "TimeZone", def: "UTC", kind: kindZone, reported: true, planning: true},
		{name: "standard_conforming_strings", def: "on", kind: kindEnum, values: []string{"on"}, reported: true},
		{name: "application_name", reported: true},
		{name: "default_transaction_read_only", def: "off", kind: kindBool, reported: true},
		{name: "search_path", def: `"$user", public`, reported: true, planning: true},
		{name: "extra_float_digits", def: "1", kind: kindInt, low: -15, high: 3},
		{name: "bytea_output", def: "hex", kind: kindEnum, values: []string{"hex"}},
		{name: "client_min_messages", def: "notice", kind: kindEnum, values: []string{"debug5", "debug4", "debug3", "debug2", "debug1",
			"log", "notice", "warning", "error", "panic", "debug", "info", "fatal"}},
		{name: "statement_timeout", def: "0", kind: kindMillis},
		{name: "lock_timeout", def: "0", kind: kindMillis},
		{name: "idle_in_transaction_session_timeout", def: "0", kind: kindMillis},
		{name: "idle_session_timeout", def: "0", kind: kindMillis},
		{name: "transaction_isolation", def: "repeatable read", kind: kindEnum, values: isolation},
		{name: "default_transaction_isolation", def: "repeatable read", kind: kindEnum, values: isolation},
		{name: "transaction_read_only", def: "off", kind: kindBool},
		{name: "transaction_deferrable", def: "off", kind: kindBool},
		{name: "default_transaction_deferrable", def: "off", kind: kindBool},
		{name: "synchronous_commit", def: "on", kind: kindEnum, values: []string{"on"}},
		{name: "lc_messages", def: "C"}, {name: "lc_monetary", def: "C"}, {name: "lc_numeric", def: "C"}, {name: "lc_time", def: "C"},
		{name: "row_security", def: "on", kind: kindBool}, {name: "check_function_bodies", def: "on", kind: kindBool},
		{name: "xmloption", def: "content"}, {name: "default_tablespace"}, {name: "default_table_access_method", def: "heap"},
		{name: "default_toast_compression", def: "pglz"}, {name: "session_replication_role", def: "origin", kind: kindEnum, values: []string{"origin"}},
		{name: "escape_string_warning", def: "on", kind: kindBool}, {name: "backslash_quote", def: "safe_encoding"},
		{name: "jit", def: "off", kind: kindBool}, {name: "geqo", def: "off", kind: kindBool},
		{name: "work_mem", def: "4MB", kind: kindBytes}, {name: "maintenance_work_mem", def: "64MB", kind: kindBytes},
		{name: "max_parallel_workers_per_gather", def: "2", kind: kindInt, high: 1024},
		{name: "random_page_cost", def: "4", kind: kindFloat}, {name: "seq_page_cost", def: "1", kind: kindFloat},
		{name: "from_collapse_limit", def: "8", kind: kindInt, low: 1, high: 1 << 30},
		{name: "join_collapse_limit", def: "8", kind: kindInt, low: 1, high: 1 << 30},
		{name: "default_statistics_target", def: "100", kind: kindInt, low: 1, high: 10000},
		{name: "plan_cache_mode", def: "auto", kind: kindEnum, values: []string{"auto", "force_custom_plan", "force_generic_plan"}},
		{name: "attune.optimizer", def: "learned", kind: kindEnum, values: []string{"learned", "static"}, planning: true},
		{name: "attune.exploration", def: "on", kind: kindBool, planning: true},
		{name: "attune.force_join", def: "auto", kind: kindEnum, values: []string{"auto", "hash", "loop", "index"}, planning: true},
		{name: "attune.cost_noise", def: "0", kind: kindFloat, planning: true},
		{name: "attune.batch_size", def: "0", kind: kindInt, high: 1 << 20},
		{name: "attune.parallelism", def: "0", kind: kindInt, high: 1024, planning: true},
		{name: "attune.runtime_filters", def: "on", kind: kindBool, planning: true},
		{name: "attune.work_mem", def: "0", kind: kindBytes, planning: true},
	}
	for _, n := range []string{"bitmapscan", "hashagg", "hashjoin", "indexscan", "indexonlyscan", "material", "mergejoin", "nestloop", "seqscan", "sort"} {
		list = append(list, setting{name: "enable_" + n, def: "on", kind: kindBool})
	}
	out := make(map[string]*setting, len(list))
	for i := range list {
		out[strings.ToLower(list[i].name)] = &list[i]
	}
	return out
}

// rulePrefix is the beginning of the switches of rewrite rules.
const rulePrefix = "attune.rules."

// lookupSetting returns the definition of a name in lower case. Names with a dot are free, except Attune's own.
func lookupSetting(known map[string]*setting, name string) *setting {
	if d := known[name]; d != nil {
		return d
	}
	switch {
	case strings.HasPrefix(name, rulePrefix) && len(name) > len(rulePrefix):
		return &setting{name: name, def: "on", kind: kindBool, planning: true}
	case strings.HasPrefix(name, "attune."):
		return nil
	case customName(name):
		return &setting{name: name}
	}
	return nil
}

func customName(name string) bool {
	prefix, rest, ok := strings.Cut(name, ".")
	return ok && prefix != "" && rest != ""
}
