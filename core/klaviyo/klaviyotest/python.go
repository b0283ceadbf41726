package klaviyotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Values as Python would hold them: printed whole they are Python's text, not JSON.
type (
	dict  map[string]any
	list  []any
	float float64
)

// String is Python's way to print a dict.
func (d dict) String() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(d)) {
		parts = append(parts, quote(key)+": "+python(d[key]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// String is Python's way to print a list.
func (l list) String() string {
	var parts []string
	for _, v := range l {
		parts = append(parts, python(v))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// String is Python's way to print a float: always with a point.
func (f float) String() string {
	text := strconv.FormatFloat(float64(f), 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return quote(v)
	}
	return fmt.Sprint(v)
}

// quote prefers apostrophes, as Python does.
func quote(text string) string {
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	text = r.Replace(text)
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `\'`) + "'"
}

// native turns what JSON gave into values as Python would hold them.
func native(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := dict{}
		for name, inner := range v {
			out[name] = native(inner)
		}
		return out
	case []any:
		out := list{}
		for _, inner := range v {
			out = append(out, native(inner))
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return float(f)
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
		return float(v)
	}
	return v
}
