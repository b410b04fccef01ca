#!/usr/bin/env bash
# Build the page into the package. Node 20.19 or newer, Python 3.11 or newer; the result is committed, so that installing needs no Node.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --silent
PYTHONPATH=../src "${PYTHON:-python3}" typescript.py > src/lib/messages.ts
npm run --silent check
npm run --silent build
