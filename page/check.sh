#!/usr/bin/env bash
# Fail when the built page in the package is not what these sources build.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --silent
PYTHONPATH=../src "${PYTHON:-python3}" typescript.py | diff - src/lib/messages.ts || {
    echo "src/lib/messages.ts is not what src/untaught/studio/messages.py says: run page/build.sh and commit it"
    exit 1
}
npm run --silent check
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx vite build --outDir "$fresh/static" > "$fresh/log" 2>&1 || { cat "$fresh/log"; exit 1; }
diff -r "$fresh/static" ../src/untaught/studio/static || {
    echo "the built page is not what page/ builds: run page/build.sh and commit src/untaught/studio/static"
    exit 1
}
if grep -q '"resolved"' package-lock.json; then
    echo "package-lock.json names addresses: npm install with the .npmrc here writes it without"
    exit 1
fi
echo "the built page is what its sources build"
