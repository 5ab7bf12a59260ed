#!/bin/sh
# npm test: sets up what is missing (node packages, build), then runs every test with the pinned Node.
#   --yes   install missing Debian packages instead of only naming them
set -eu
cd "$(dirname "$0")/.."
[ -x node_modules/.bin/node ] || npm ci --no-audit --no-fund >&2
[ -x native/build/gantry-exec ] || sh native/build.sh >&2
export PATH="$PWD/node_modules/.bin:$PATH"
node tools/build.ts >&2
exec node tools/test.ts "$@"
