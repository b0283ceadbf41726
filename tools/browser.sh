#!/usr/bin/env bash
# Prints the Chromium for the browser tests, and installs one where that is possible.
set -euo pipefail
find_chromium() {
	for candidate in "${LUMO_CHROMIUM:-}" chromium chromium-browser google-chrome; do
		[ -n "$candidate" ] && command -v "$candidate" && return 0
	done
	return 1
}
if find_chromium; then
	exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >&2
	find_chromium
	exit 0
fi
echo "lumo: no Chromium was found. Install it, or set LUMO_CHROMIUM to its path." >&2
exit 1
