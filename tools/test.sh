#!/usr/bin/env bash
# All tests. One throw-away PostgreSQL serves every package; the demo and the browser use a
# stack of their own. `make check` has vetted everything, and nobody debugs these binaries, so
# they are linked without what only a debugger reads.
set -euo pipefail
dev=.lumo/bin/lumo-dev
test=(go test -vet=off -ldflags='-s -w')
step() { echo "== $1 (at ${SECONDS} s)"; }
# These start processes and wait for them more than they work: they go first, beside the rest.
waiting=(./tools/dev/stack ./tools/chaos ./core/postgres/embedded ./core/prooftest ./tools/journey)
step "Go tests"
"$dev" with-database "${test[@]}" -p 3 -timeout 15m "${waiting[@]}" ./...
step "What touches PostgreSQL, on its newest version"
mapfile -t adapters < <(go list ./core/postgres/... | grep -v /embedded)
"$dev" with-newest-database "${test[@]}" -timeout 10m "${adapters[@]}"
step "Races where memory is shared"
"$dev" with-database "${test[@]}" -race -timeout 10m ./core/live/... ./edge/replica ./edge/spool ./core/postgres/delivery
step "Console"
(cd core/console/ui && npm test --silent)
step "Demo, then a browser on its stack"
LUMO_CHROMIUM=$(tools/browser.sh | tail -n 1) go run ./tools/demo -browser
step "Everything passed"
