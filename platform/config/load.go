package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Sources say where Load looks. The zero value changes nothing.
type Sources struct {
	// File is the path of a YAML file; empty is none. A file that is named and absent is an error.
	File string
	// LookupEnv is os.LookupEnv, or a test's. Nil leaves the environment out.
	LookupEnv func(key string) (string, bool)
	// Flags are parsed flags that BindFlags defined; only those that the user gave count. Nil is none.
	Flags *pflag.FlagSet
}

// Load fills *dst, which holds the defaults, from the sources in rising order, and validates it. On error *dst may be filled in
// part. The error joins everything that is wrong, each naming its key.
func Load(dst any, src Sources) error {
	all := fields(dst)
	var errs []error
	if src.File != "" {
		errs = append(errs, loadFile(all, src.File)...)
	}
	if src.LookupEnv != nil {
		for _, f := range all {
			if text, ok := src.LookupEnv(f.env()); ok {
				if err := f.set(text); err != nil {
					errs = append(errs, fmt.Errorf("config: %s (from %s): %w", f.key, f.env(), err))
				}
			}
		}
	}
	if src.Flags != nil {
		for _, f := range all {
			fl := src.Flags.Lookup(f.flag())
			if fl == nil || !fl.Changed {
				continue
			}
			if err := f.set(fl.Value.String()); err != nil {
				errs = append(errs, fmt.Errorf("config: %s (from --%s): %w", f.key, f.flag(), err))
			}
		}
	}
	if len(errs) == 0 {
		errs = validate(nil, "", reflect.ValueOf(dst).Elem())
	}
	return errors.Join(errs...)
}

// validate asks every tagged struct, the inner ones first, so that an outer check can rely on them.
func validate(errs []error, key string, v reflect.Value) []error {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("config")
		if !ok || v.Field(i).Kind() != reflect.Struct {
			continue
		}
		inner := key
		if name, _, _ := strings.Cut(tag, ","); name != "" {
			inner = join(key, name)
		}
		errs = validate(errs, inner, v.Field(i))
	}
	if checked, ok := v.Addr().Interface().(interface{ Validate() error }); ok {
		if err := checked.Validate(); err != nil {
			if key != "" {
				key += "."
			}
			errs = append(errs, fmt.Errorf("config: %s%w", key, err))
		}
	}
	return errs
}

// loadFile sets what the file names. A key that no field has is an error: it is most likely misspelt.
func loadFile(all []field, path string) []error {
	data, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("config: %w", err)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return []error{fmt.Errorf("config: %s: %w", path, err)}
	}
	if len(doc.Content) == 0 {
		return nil // an empty file
	}
	byKey, groups := map[string]field{}, map[string]bool{"": true}
	for _, f := range all {
		byKey[f.key] = f
		for key := f.key; strings.Contains(key, "."); {
			key = key[:strings.LastIndex(key, ".")]
			groups[key] = true
		}
	}
	l := fileLoader{path: path, fields: byKey, groups: groups}
	l.mapping("", doc.Content[0])
	return l.errs
}

type fileLoader struct {
	path   string
	fields map[string]field
	groups map[string]bool
	errs   []error
}

func (l *fileLoader) fail(n *yaml.Node, key string, err error) {
	if key == "" {
		key = "the file"
	}
	l.errs = append(l.errs, fmt.Errorf("config: %s (from %s line %d): %w", key, l.path, n.Line, err))
}

func (l *fileLoader) mapping(key string, n *yaml.Node) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a heading without anything under it
	}
	if n.Kind != yaml.MappingNode {
		l.fail(n, key, errors.New("expected keys with values"))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		inner, value := join(key, n.Content[i].Value), resolve(n.Content[i+1])
		if f, ok := l.fields[inner]; ok {
			if err := setNode(f, value); err != nil {
				l.fail(value, inner, err)
			}
			continue
		}
		if l.groups[inner] {
			l.mapping(inner, value)
			continue
		}
		l.fail(n.Content[i], inner, errors.New("unknown key"))
	}
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func setNode(f field, n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return errors.New("has no value")
		}
		return f.set(n.Value)
	case yaml.SequenceNode:
		var items []string
		if f.value.Kind() != reflect.Slice {
			return errors.New("a list is not expected here")
		}
		if err := n.Decode(&items); err != nil {
			return errors.New("expected a list of texts")
		}
		return f.setList(items)
	case yaml.MappingNode:
		var m map[string]string
		if f.value.Kind() != reflect.Map {
			return errors.New("keys are not expected here")
		}
		if err := n.Decode(&m); err != nil {
			return errors.New("expected keys with texts")
		}
		return f.setMap(m)
	}
	return errors.New("unexpected YAML")
}

// BindFlags defines one flag for each key, whose default is what *dst holds. Parsing them does not touch *dst: Load does, in
// its turn. A flag that fs already has is left as it is.
func BindFlags(fs *pflag.FlagSet, dst any) {
	for _, f := range fields(dst) {
		if fs.Lookup(f.flag()) != nil {
			continue
		}
		// A copy of the field's type checks the text while flags are parsed, so that the error is the command line's.
		scratch := reflect.New(f.value.Type()).Elem()
		scratch.Set(f.value)
		fl := fs.VarPF(&flagValue{field: field{key: f.key, value: scratch}, text: f.String()}, f.flag(), "", f.usage)
		if f.value.Kind() == reflect.Bool {
			fl.NoOptDefVal = "true"
		}
	}
}

// flagValue is a pflag.Value that keeps the text of a key.
type flagValue struct {
	field field
	text  string
}

func (v *flagValue) String() string { return v.text }

func (v *flagValue) Set(text string) error {
	if err := v.field.set(text); err != nil {
		return err
	}
	v.text = text
	return nil
}

func (v *flagValue) Type() string {
	switch v.field.value.Kind() {
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "key=value list"
	}
	switch v.field.value.Interface().(type) {
	case ByteSize:
		return "size"
	}
	if v.field.value.Type() == durationType {
		return "duration"
	}
	return v.field.value.Kind().String()
}
