#!/usr/bin/env bash
# All tests. One throw-away PostgreSQL serves every package; the browser tests and the
# demo run on stacks of their own.
set -euo pipefail
dev=.lumo/bin/lumo-dev
tools/browser.sh
step() { echo "== $1 (at ${SECONDS} s)"; }
step "Go tests"
"$dev" with-database go test -timeout 10m ./...
step "Races in the parts that share memory"
"$dev" with-database go test -race -timeout 10m ./core/live/... ./core/delivery/... ./edge/replica/... ./edge/spool/... ./edge/wasm/...
step "Console"
(cd core/console/ui && npm test --silent)
step "Demo"
go run ./tools/demo
step "Browser"
go run ./tools/demo -browser
step "Everything passed"
