#!/usr/bin/env bash
# Writes what is generated from something else and committed: the schema from the migrations,
# the API's description from the registered operations, the console's types from that.
set -euo pipefail
cd "$(dirname "$0")/.."
make --silent tools
dev=.lumo/bin/lumo-dev
"$dev" with-database go test -count=1 -run 'TestSchema' ./core/postgres -update
"$dev" with-database go test -count=1 -run 'TestDescriptionOfTheAPI' ./core/app -update
(cd core/console/ui && npm run --silent types)
