# Sourced by the programs beside it: `program` is the one to run, `self` its path, symlinks resolved.
#
# Normally it tests a few files and replaces itself with Node on dist/$program.cjs; no process is started on that path.
# - No packages or no bundle yet (a fresh clone): installs and builds first, and says so on stderr.
# - Git's index is newer than the build (a pull, a checkout, a commit): builds again if a source is newer, too.
# - GANTRY_DEV=1 runs the sources as they are, without a build.

case $self in
  /*) root=${self%/*}/.. ;;
  */*) root=$PWD/${self%/*}/.. ;;
  *) root=$PWD/.. ;;
esac
# "--" before the program: Node would take an --env-file among its arguments as its own.
node=$root/node_modules/.bin/node

need() {
  command -v "$1" >/dev/null 2>&1 && return
  echo "gantry: $1 is missing; install it with: apt-get install -y $2" >&2
  exit 1
}

# One set-up at a time: others wait for it and then find it done.
set_up() {
  need flock util-linux
  mkdir -p "$root/dist"
  (
    flock 9
    if [ ! -x "$node" ]; then
      need node "nodejs npm"
      need npm npm
      need cc "gcc libc6-dev"
      echo "gantry: first start: installing packages and building" >&2
      (cd "$root" && npm ci --no-audit --no-fund >&2) || exit 1
    fi
    if [ ! -x "$root/native/build/gantry-exec" ]; then
      need cc "gcc libc6-dev"
      (cd "$root" && sh native/build.sh >&2) || exit 1
    fi
    if [ ! -e "$root/dist/$program.cjs" ] || stale; then
      echo "gantry: building" >&2
      (cd "$root" && "$node" tools/build.ts >&2) || exit 1
    fi
  ) 9>"$root/dist/.lock" || exit 1
}

stale() {
  [ -n "$(find "$root/src" "$root/tools/build.ts" "$root/package-lock.json" -newer "$root/dist/stamp" -print -quit 2>/dev/null)" ]
}

# A program with a client part: that finds the resident, or starts one by this very file.
if [ -n "${client:-}" ] && [ -z "${GANTRY_RUNC_RESIDENT:-}" ]; then
  run_client() {
    build=$1
    shift
    # Where residents listen: a folder of the user's own.
    if [ -n "${GANTRY_RUNC_SOCKETS:-}" ]; then
      sockets=$GANTRY_RUNC_SOCKETS
    elif [ -w /run ]; then
      sockets=/run/gantry-runc-resident
    elif [ -w "${XDG_RUNTIME_DIR:-}" ]; then
      sockets=$XDG_RUNTIME_DIR/gantry-runc-resident
    else
      sockets=/tmp/gantry-runc-resident-$(id -u)
    fi
    [ "$program" = gantry ] || exec "$root/native/build/gantry-exec" "$client" "$self" "$build" "$sockets" "$@"
    code=0
    "$root/native/build/gantry-exec" "$client" "$self" "$build" "$sockets" "$@" || code=$?
    [ "$code" -eq 253 ] || exit "$code" # else the resident leaves it to us
  }
elif [ -n "${client:-}" ] && [ -z "${GANTRY_RUNC_CLEAN:-}" ]; then
  # The environment of the command that starts it is not the resident's.
  exec env -i GANTRY_RUNC_CLEAN=1 GANTRY_RUNC_RESIDENT="$GANTRY_RUNC_RESIDENT" \
    ${GANTRY_RUNC_LINGER+"GANTRY_RUNC_LINGER=$GANTRY_RUNC_LINGER"} ${GANTRY_DEV+"GANTRY_DEV=$GANTRY_DEV"} \
    ${NODE_OPTIONS+"NODE_OPTIONS=$NODE_OPTIONS"} ${NODE_COMPILE_CACHE+"NODE_COMPILE_CACHE=$NODE_COMPILE_CACHE"} \
    ${PATH+"PATH=$PATH"} ${HOME+"HOME=$HOME"} "$self"
else
  run_client() { :; }
fi

if [ -n "${GANTRY_DEV:-}" ] && [ -x "$node" ]; then
  run_client "$root/src/main/$program.ts" "$@"
  exec "$node" --disable-warning=ExperimentalWarning -- "$root/src/main/$program.ts" "$@"
fi
if [ ! -x "$node" ] || [ ! -e "$root/dist/$program.cjs" ] || [ ! -x "$root/native/build/gantry-exec" ]; then
  set_up
elif [ "$root/.git/index" -nt "$root/dist/stamp" ]; then
  if stale; then set_up; else touch "$root/dist/stamp" 2>/dev/null; fi
fi
run_client "$root/dist/$program.cjs" "$@"
# Most of what a daemon allocates dies at once: with a small nursery it held 128 MiB after some sixty runs instead of 140.
case $program in
  gantryd | gantry-containerd) nursery=--max-semi-space-size=2 ;;
  *) nursery= ;;
esac
# shellcheck disable=SC2086 # no word for programs without the flag
NODE_COMPILE_CACHE=$root/dist/.cache exec "$node" --disable-warning=ExperimentalWarning $nursery -- "$root/dist/$program.cjs" "$@"
