#!/usr/bin/env bash
# Requests without number, made up from the API's description, to the released model: make test-api.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
said=$(mktemp)
"$python" -m sortline.cli serve --api --model release/garbage --port 0 --per-client 0 >"$said" &
trap 'kill $!; rm -f "$said"' EXIT
until address=$(grep -o "http://localhost:[0-9]*" "$said"); do
  kill -0 $! || exit 1
  sleep 0.1
done
export PYTHONPATH=build/schemathesis:tests/fuzz SCHEMATHESIS_HOOKS=api_photos NO_PROXY=localhost
"$python" -m schemathesis.cli run "$address/openapi.json" --checks all --generation-database none --seed 1 "$@"
