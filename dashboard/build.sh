#!/usr/bin/env bash
# Builds the page into target/classes/web, unless what is there was built from the same sources.
# Rollup is its WebAssembly build: one package for every platform, and known to work from Node.js 18 and npm 9 on.
# Packages are fetched only when the lock file changed, so that later builds need no network.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
out=target/classes/web

digest() { sha256sum | cut -c1-64; }
# The versions of Node.js and npm are left out on purpose: the built page does not depend on them.
sources=$(find .npmrc build.sh index.html package.json package-lock.json tsconfig.json vite.config.ts src/*.ts src/*.css src/pages public -type f -print0 \
  | LC_ALL=C sort -z | xargs -0 sha256sum | digest)
if [ -f "$out/index.html" ] && [ "$(cat target/web.stamp 2>/dev/null)" = "$sources" ]; then exit; fi

command -v npm >/dev/null || { echo "dashboard: npm is needed to build the page" >&2; exit 69; }
packages=$(cat .npmrc package.json package-lock.json | digest)
if [ "$(cat node_modules/.stamp 2>/dev/null)" != "$packages" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  printf '%s' "$packages" >node_modules/.stamp
fi
mkdir -p target
rm -f target/web.stamp
node node_modules/typescript/bin/tsc --noEmit
node node_modules/vite/bin/vite.js build --logLevel warn --outDir "$out"
printf '%s' "$sources" >target/web.stamp
