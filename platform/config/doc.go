// Package config fills a program's settings struct from its sources, in rising order: the defaults that the struct holds, a
// YAML file, the environment, and command-line flags.
//
// A field takes part when it has a `config:"name"` tag; nested structs join their names with a dot. The key storage.cache_size
// is cache_size under storage in the file, ATTUNE_STORAGE_CACHE_SIZE in the environment, and --storage-cache-size on the command
// line. A second tag, `usage:"…"`, is the flag's help. An embedded or nested struct with the tag `config:",inline"` adds no name.
//
// Field types: string, bool, integers, floats, time.Duration ("250ms"), ByteSize ("64MiB"), []string (a YAML list, or comma
// separated), map[string]string (YAML only, or "a=b,c=d"), whatever implements encoding.TextUnmarshaler by pointer, and structs of these.
//
// A struct, at any depth, that has Validate() error is asked after everything is set; its error should begin with the field's
// own name and is reported under the struct's key. Every error names the key and where the value came from, and all of them are
// reported together.
package config
