#!/bin/sh
# Builds native/build/gantry-exec with the system's C compiler. Does nothing if it is newer than its sources.
set -eu
cd "$(dirname "$0")"
out=build/gantry-exec
if [ -x "$out" ] && [ -z "$(find . -maxdepth 1 -name '*.[ch]' -newer "$out")" ]; then exit 0; fi

cc=${CC:-cc}
if ! command -v "$cc" >/dev/null 2>&1; then
  echo "gantry: no C compiler ($cc) was found. Install one: apt-get install gcc libc6-dev" >&2
  exit 1
fi
mkdir -p build
"$cc" -std=c17 -O2 -Wall -Wextra -Werror -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -static-pie \
  -Wl,-z,relro,-z,now -o "$out.new" ./*.c
mv "$out.new" "$out"
