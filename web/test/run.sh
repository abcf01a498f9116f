#!/usr/bin/env bash
# The app in a real browser (make test-web). Where Node.js or Chromium is neither there nor to be had, it says so and
# passes. CHROMIUM names a browser; PYTHON the interpreter that has sortline.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python}

skip() {
  echo "test-web: SKIPPED: $*"
  exit 0
}

for one in node npm; do
  command -v "$one" >/dev/null || skip "no $one on the PATH; install Node.js 20 or newer"
done
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || skip "Node.js $major is too old; 20 or newer is needed"

if [ -z "${CHROMIUM:-}" ]; then
  for one in chromium chromium-browser google-chrome google-chrome-stable; do
    CHROMIUM=$(command -v "$one") && break
  done
fi
if [ -z "${CHROMIUM:-}" ]; then
  command -v apt-get >/dev/null || skip "no Chromium on the PATH, and no apt-get to install it with"
  [ "$(id -u)" -eq 0 ] || skip "no Chromium on the PATH, and only root can install it (apt-get install chromium)"
  echo "test-web: installing chromium ..."
  apt-get update -qq >/dev/null 2>&1 || true  # lists of another day may still do
  apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 || skip "apt-get install chromium failed"
  CHROMIUM=$(command -v chromium)
fi
export CHROMIUM PYTHON

npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
dvc repro --quiet export@sample
models=(models/sample/export)
photos=()
if [ -f models/garbage/export/model_int8.onnx ] && [ -d "${SORTLINE_DATA:-}/garbage26/val" ]; then
  models+=(models/garbage/export)
  photos=(--photos "$SORTLINE_DATA/garbage26/val")
else
  echo "test-web: the garbage model is left out (no SORTLINE_DATA, or no models/garbage/export)"
fi
"$PYTHON" web/test/fixtures.py web/.test "${models[@]}" "${photos[@]}"
node --test --test-concurrency 1 --test-timeout 600000 --test-reporter spec "$@" web/test/*.test.mjs
