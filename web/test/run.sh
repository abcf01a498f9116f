#!/usr/bin/env bash
# The app in a real browser (make test-web). What is missing is installed where that can be done, which takes root; without
# root it says what is missing and passes, as root that is a failure: CI must not pass for want of a browser.
# CHROMIUM names a browser; PYTHON the interpreter that has sortline.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python}
NODE=20
ROOT=$([ "$(id -u)" -ne 0 ] || echo yes)

give_up() {
  if [ -n "$ROOT" ]; then
    echo "test-web: FAILED: $*" >&2
    exit 1
  fi
  echo "test-web: SKIPPED: $*"
  exit 0
}

# Install packages, if that can be done; the caller looks whether they are there.
install() {
  [ -n "$ROOT" ] && command -v apt-get >/dev/null || return 0
  echo "test-web: installing $* ..."
  apt-get update -qq >/dev/null 2>&1 || true  # lists of another day may still do
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || true
}

find_chromium() {
  for one in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$one" && return
  done
}

command -v node >/dev/null && command -v npm >/dev/null || install nodejs npm
for one in node npm; do
  command -v "$one" >/dev/null || give_up "no $one on the PATH; install Node.js $NODE or newer"
done
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge "$NODE" ] || give_up "Node.js $major is too old; $NODE or newer is needed"

CHROMIUM=${CHROMIUM:-$(find_chromium || true)}
if [ -z "$CHROMIUM" ]; then
  install chromium
  CHROMIUM=$(find_chromium) || give_up "no Chromium on the PATH; install it (apt-get install chromium, as root)"
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
