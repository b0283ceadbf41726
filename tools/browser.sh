#!/usr/bin/env bash
# Makes sure that a Chromium and Japanese letters are there for the browser tests.
set -euo pipefail
find_chromium() {
	for candidate in "${LUMO_CHROMIUM:-}" chromium chromium-browser google-chrome; do
		[ -n "$candidate" ] && command -v "$candidate" && return 0
	done
	return 1
}
if find_chromium >/dev/null; then
	exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "Installing Chromium for the browser tests."
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null
	exit 0
fi
echo "lumo: no Chromium was found. Install it, or set LUMO_CHROMIUM to its path." >&2
exit 1
