#!/usr/bin/env bash
# What must hold before tests are worth running: formatting, vet for both targets,
# architecture, texts.
set -euo pipefail
unformatted=$(gofmt -l core edge plugins shared tools)
if [ -n "$unformatted" ]; then
	echo "These files are not formatted; run gofmt -w on them:" >&2
	echo "$unformatted" >&2
	exit 1
fi
go vet ./...
GOOS=wasip1 GOARCH=wasm go vet ./shared/... ./plugins/...
go mod verify >/dev/null
go test ./tools/arch
(cd core/console/ui && npm run --silent check)
