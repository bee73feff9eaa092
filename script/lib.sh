# Shared by the scripts beside it; sourced, never run.

say() { printf '%s\n' "$@" >&2; }
fail() { say "" "$@"; exit 1; }

# The newest Python from 3.11 on, or nothing.
find_python() {
  local candidate
  for candidate in "${GRIDGOV_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 15)))' 2>/dev/null || continue
    command -v "$candidate"
    return 0
  done
  return 1
}

# Installs Debian packages where this account may; fails silently where it may not.
apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  local run=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    run=(sudo -n)
  fi
  "${run[@]}" apt-get update -qq >/dev/null || return 1
  DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# A stamp holds the checksum of the files that decided an installation.
same_stamp() { [ -f "$1" ] && [ "$(cat "$1")" = "$(cat "${@:2}" | sha256sum)" ]; }
write_stamp() { cat "${@:2}" | sha256sum >"$1"; }
