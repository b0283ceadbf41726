#!/usr/bin/env bash
# All tests. One throw-away PostgreSQL serves every package; the demo and the browser use a
# stack of their own.
set -euo pipefail
dev=.lumo/bin/lumo-dev
step() { echo "== $1 (at ${SECONDS} s)"; }
step "Go tests"
"$dev" with-database go test -timeout 15m ./...
step "What touches PostgreSQL, on its newest version"
"$dev" with-newest-database go test -timeout 10m ./core/postgres/...
step "Races where memory is shared"
"$dev" with-database go test -race -timeout 10m ./core/live/... ./edge/replica ./edge/spool ./core/postgres/delivery
step "Console"
(cd core/console/ui && npm test --silent)
step "Demo, then a browser on its stack"
LUMO_CHROMIUM=$(tools/browser.sh | tail -n 1) go run ./tools/demo -browser
step "Everything passed"
