// Package arch holds the rules of who may import whom, as data, and the tests that keep
// them. A rule that must be broken is changed here, with its reason, or not at all.
package arch

// rule forbids imports to the packages below a prefix. Prefixes are relative to the module.
type rule struct {
	from   string   // packages at or below this path
	except []string // but not at or below these
	banned []string // import paths, or prefixes when they end in "/..."
	allow  []string // exceptions to banned
	reason string
}

// capabilities are the domain packages of DESIGN section 4; rules stand in them.
func capabilities() []string {
	return []string{"account", "channel", "linkage", "message", "flow", "delivery", "tracking", "outbox",
		"connection", "fleet", "live", "run"}
}

// edges are the imports between capabilities that are allowed, each with its reason.
func edges() map[string]string {
	return map[string]string{
		"channel -> run":   "reading followers again is long work, done in steps",
		"linkage -> run":   "importing LINE ids and matching many friends is long work, done in steps",
		"flow -> message":  "Get JSON and the check of direct text know what a message needs",
		"flow -> delivery": "an accepted request becomes a planned delivery in the same transaction",
	}
}

func rules() []rule {
	const vendors = "adapters speak to the world; rules stay free of them"
	var all []rule
	for _, name := range capabilities() {
		all = append(all, rule{from: "core/" + name,
			banned: []string{"lumo/core/postgres/...", "lumo/core/line/...", "lumo/core/klaviyo/...", "lumo/core/web/...",
				"lumo/core/console/...", "github.com/jackc/pgx/...", "net/http", "database/sql"},
			allow:  allowedHTTP(name),
			reason: vendors})
	}
	return append(all,
		rule{from: "shared", banned: []string{"lumo/core/...", "lumo/edge/...", "lumo/plugins/...", "os", "net", "net/http",
			"time/tzdata", "log/slog", "database/sql", "math/rand", "crypto/rand"}, reason: "shared code has no I/O, clock or chance"},
		rule{from: "plugins", except: []string{"plugins/internal/guest"}, banned: []string{"github.com/extism/...",
			"lumo/core/...", "lumo/edge/...", "net/http", "encoding/json", "regexp", "fmt"}, reason: "modules are small pure functions"},
		rule{from: "edge", banned: []string{"lumo/core/...", "lumo/plugins/..."}, reason: "edge and core meet on the wire only"},
		rule{from: "edge", except: []string{"edge/wasm"}, banned: []string{"github.com/tetratelabs/wazero/...",
			"github.com/extism/..."}, reason: "only edge/wasm knows the WebAssembly host"},
		rule{from: "core", banned: []string{"lumo/edge/...", "lumo/plugins/...", "github.com/tetratelabs/..."},
			reason: "edge and core meet on the wire only"},
		rule{from: "core", except: []string{"core/postgres", "core/app"}, banned: []string{"github.com/jackc/pgx/...", "database/sql"},
			reason: "SQL stands only below core/postgres"},
		rule{from: "core/lumo", banned: []string{"lumo/core/..."}, reason: "the vocabulary knows nobody"},
		rule{from: "core", except: []string{"core/app", "core/cmd"}, banned: []string{"lumo/core/app/...", "lumo/core/cmd/..."},
			reason: "only cmd imports app"},
		rule{from: "core", banned: []string{"lumo/tools/..."}, reason: "tools are imported by nobody"},
		rule{from: "shared", banned: []string{"lumo/tools/..."}, reason: "tools are imported by nobody"},
		rule{from: "edge", banned: []string{"lumo/tools/..."}, reason: "tools are imported by nobody"},
	)
}

// allowedHTTP lists the one capability that is a protocol itself.
func allowedHTTP(name string) []string {
	if name == "live" {
		return []string{"net/http"} // the websocket endpoint of the console
	}
	return nil
}
