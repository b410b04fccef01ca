#!/usr/bin/env bash
# The site, into build/site: warnings are errors, and nothing on it asks another host.
#
#     pip install -c constraints.txt ".[docs]" && bash docs/build.sh
#     python docs/site/draw.py              # the gallery's pictures anew, where an example has changed
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
NO_MKDOCS_2_WARNING=1 "$python" -m mkdocs build --strict --quiet
"$python" docs/site/check.py build/site
