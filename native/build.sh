#!/bin/sh
# Builds native/build/{gantry-exec,docker-init} with the system's C compiler. Does nothing if they are newer than their sources.
#   build.sh            the programs
#   build.sh sanitized  for tests, in build/sanitized: the program and the decoder's fuzzer, with address and undefined-behaviour sanitizers
set -eu
cd "$(dirname "$0")"

newer() { # whether the file is there and nothing that it is made of is younger
  [ -x "$1" ] && [ -z "$(find . -maxdepth 2 \( -name '*.[ch]' -o -name build.sh \) -newer "$1" -print -quit)" ]
}

cc=${CC:-cc}
if ! command -v "$cc" >/dev/null 2>&1; then
  echo "gantry: no C compiler ($cc) was found. Install one: apt-get install gcc libc6-dev" >&2
  exit 1
fi
warnings="-std=c17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes"

if [ "${1:-}" = sanitized ]; then
  out=build/sanitized
  mkdir -p "$out"
  tests=../tests/native
  if newer "$out/fuzz" && ! [ $tests/fuzz.c -nt "$out/fuzz" ]; then exit 0; fi
  sanitize="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
  # shellcheck disable=SC2046,SC2086
  "$cc" $warnings $sanitize -o "$out/gantry-exec" ./*.c $tests/sanitizer-options.c
  # shellcheck disable=SC2046,SC2086
  "$cc" $warnings $sanitize -I. -o "$out/fuzz" $(ls ./*.c | grep -v main.c) $tests/fuzz.c $tests/sanitizer-options.c
  exit 0
fi

out=build/gantry-exec
if newer "$out" && newer build/docker-init; then exit 0; fi
mkdir -p build
# shellcheck disable=SC2086
if ! "$cc" $warnings -Os -static -o build/docker-init.$$ init/docker-init.c || ! "$cc" $warnings -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -static-pie -Wl,-z,relro,-z,now \
  -o "$out.$$" ./*.c; then
  rm -f "$out.$$" build/docker-init.$$
  echo "gantry: native/ did not compile. It needs Linux's headers and a static C library: apt-get install gcc libc6-dev linux-libc-dev" >&2
  exit 1
fi
mv build/docker-init.$$ build/docker-init
mv "$out.$$" "$out"
