#!/usr/bin/env bash
# Makes the lock files anew from the requirements beside them: every package with its version and the hashes of its
# files, for all platforms from Python 3.11 on. Versions stay as they are locked unless a requirement says otherwise;
#   tools/lock.sh --upgrade   takes the newest that the requirements allow
set -euo pipefail
cd "$(dirname "$0")/.."

# Neither an index nor a folder of packages is written: each machine uses those that it is set up with.
compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-strip-extras --custom-compile-command "make lock" "$@"
}

compile requirements.txt --output-file requirements.lock "$@"
compile requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock "$@"
compile bench/requirements.txt --constraints requirements.lock --output-file bench/requirements.lock "$@"
