#!/usr/bin/env bash
# Says plainly which tool is missing or too old, before anything else can fail on it.
set -u
bad=0
need() { # name, oldest version, found version, where to get it
	if [ -z "$3" ]; then
		echo "lumo: $1 is missing. Lumo needs $1 $2 or newer. $4" >&2
		bad=1
	elif [ "$(printf '%s\n%s\n' "$2" "$3" | sort -V | head -n 1)" != "$2" ]; then
		echo "lumo: $1 $3 is too old. Lumo needs $1 $2 or newer. $4" >&2
		bad=1
	fi
}
need Go 1.26 "$(go env GOVERSION 2>/dev/null | sed 's/^go//')" "Install it from your system's packages or Go's site."
need Node 20.19 "$(node --version 2>/dev/null | sed 's/^v//')" "Install it from your system's packages or Node's site."
need npm 10 "$(npm --version 2>/dev/null)" "It comes with Node."
exit "$bad"
