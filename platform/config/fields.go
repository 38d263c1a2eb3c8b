package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one settable leaf of a settings struct.
type field struct {
	key   string // "storage.cache_size"
	usage string
	value reflect.Value // addressable
}

func (f field) env() string {
	return "ATTUNE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(f.key))
}

func (f field) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(f.key) }

// fields lists the leaves of the struct that dst points to, in declaration order. A tag that cannot work is a bug of the
// program, and panics.
func fields(dst any) []field {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: destination is a %T, not a pointer to a struct", dst))
	}
	out := collect(nil, "", v.Elem())
	seen := map[string]string{}
	for _, f := range out {
		if other, dup := seen[f.env()]; dup {
			panic(fmt.Sprintf("config: keys %s and %s have the same environment variable", other, f.key))
		}
		seen[f.env()] = f.key
	}
	return out
}

func collect(out []field, prefix string, v reflect.Value) []field {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		tag, ok := sf.Tag.Lookup("config")
		if !ok {
			continue
		}
		if !sf.IsExported() {
			panic("config: tagged field " + sf.Name + " is not exported")
		}
		name, option, _ := strings.Cut(tag, ",")
		fv := v.Field(i)
		nested := fv.Kind() == reflect.Struct && !fv.Addr().Type().Implements(textUnmarshaler)
		switch {
		case nested && option == "inline":
			out = collect(out, prefix, fv)
		case name == "":
			panic("config: field " + sf.Name + " has no name")
		case nested:
			out = collect(out, join(prefix, name), fv)
		default:
			out = append(out, field{key: join(prefix, name), usage: sf.Tag.Get("usage"), value: fv})
		}
	}
	return out
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType    = reflect.TypeFor[time.Duration]()
)

// set parses text into the field. It leaves the field alone on error.
func (f field) set(text string) error {
	v := f.value
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 250ms", text)
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return notANumber(text, v.Type(), err)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return notANumber(text, v.Type(), err)
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return notANumber(text, v.Type(), err)
		}
		v.SetFloat(n)
	case reflect.Slice:
		return f.setList(splitList(text))
	case reflect.Map:
		m := map[string]string{}
		for _, pair := range splitList(text) {
			k, val, ok := strings.Cut(pair, "=")
			if !ok {
				return fmt.Errorf("%q is not key=value", pair)
			}
			m[strings.TrimSpace(k)] = strings.TrimSpace(val)
		}
		return f.setMap(m)
	default:
		panic(fmt.Sprintf("config: key %s has the unsupported type %s", f.key, v.Type()))
	}
	return nil
}

func notANumber(text string, t reflect.Type, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s is out of range for %s", text, t)
	}
	return fmt.Errorf("%q is not a number", text)
}

func splitList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (f field) setList(items []string) error {
	if f.value.Type().Elem().Kind() != reflect.String {
		panic(fmt.Sprintf("config: key %s has the unsupported type %s", f.key, f.value.Type()))
	}
	list := reflect.MakeSlice(f.value.Type(), len(items), len(items))
	for i, s := range items {
		list.Index(i).SetString(s)
	}
	f.value.Set(list)
	return nil
}

func (f field) setMap(m map[string]string) error {
	if f.value.Type() != reflect.TypeFor[map[string]string]() {
		panic(fmt.Sprintf("config: key %s has the unsupported type %s", f.key, f.value.Type()))
	}
	f.value.Set(reflect.ValueOf(m))
	return nil
}

// String renders the present value in the form that set reads.
func (f field) String() string {
	switch v := f.value.Interface().(type) {
	case map[string]string:
		pairs := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, k+"="+v[k])
		}
		return strings.Join(pairs, ",")
	case []string:
		return strings.Join(v, ",")
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(f.value.Interface())
}
