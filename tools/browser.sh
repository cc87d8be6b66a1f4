#!/bin/sh
# Install the browser that the tests of pages run in: Debian's Chromium. `make browser` calls this.
#
# Nothing happens where a Chromium or Chrome is there already. Where it cannot be installed, this
# says what to do, and still ends with success: the tests of pages are skipped then, and say so.
set -u

say() { printf '%s\n' "$*"; }

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if path=$(command -v "$name"); then
        say "the browser for tests: $path"
        exit 0
    fi
done

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "installing Debian's chromium for the tests of pages (a minute)"
    log=$(mktemp)
    if { timeout 120 apt-get -q update && timeout 600 env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends chromium; } >"$log" 2>&1
    then
        rm -f "$log"
        say "the browser for tests: $(command -v chromium)"
        exit 0
    fi
    tail -n 3 "$log" >&2
    rm -f "$log"
fi

say "No browser for tests is installed: those of pages are skipped. To run them, install Chromium or Chrome:" >&2
say "  Debian:         sudo apt-get install chromium" >&2
say "  Fedora:         sudo dnf install chromium" >&2
say "  macOS, Windows: google.com/chrome, with google-chrome on the PATH" >&2
exit 0
