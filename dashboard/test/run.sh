#!/usr/bin/env bash
# Builds the page and tests it in a real browser. What cannot run here is skipped, and says why.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cd "$here/.."
./build.sh
wanted=$(sha256sum <test/package-lock.json)
if [ "$(cat test/node_modules/.stamp 2>/dev/null)" != "$wanted" ]; then
  if ! (cd test && npm ci --no-audit --no-fund --loglevel=error); then
    echo "dashboard: skipped, as the packages that its tests need could not be fetched" >&2
    exit 75
  fi
  printf '%s' "$wanted" >test/node_modules/.stamp
fi
exec node --test --test-concurrency=1 --test-reporter=spec test/*.test.mjs
