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

# What runs in the background ends with the script that started it: Ctrl+C leaves no compiler behind.
end_children() {
  local children
  children=$(jobs -p)
  [ -z "$children" ] || kill $children 2>/dev/null || true
}
end_children_at_exit() {
  trap end_children EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Waits for processes and says every ten seconds that they still work; fails if one of them fails.
#   wait_aloud "Compiling" PID …
wait_aloud() {
  local what=$1 began=$SECONDS told=$SECONDS pid failed=0
  shift
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null; do
      sleep 0.2
      if [ $((SECONDS - told)) -ge 10 ]; then
        told=$SECONDS
        say "  $what: $((SECONDS - began)) s so far …"
      fi
    done
    wait "$pid" || failed=1
  done
  return $failed
}

# Runs a command, says every ten seconds that it still works, and shows what it printed only if it fails.
#   run_aloud "Installing" COMMAND …
run_aloud() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 &
  if wait_aloud "$what" $!; then
    rm -f "$log"
    return 0
  fi
  say "" "$what failed: $*"
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

# A stamp holds the checksum of the files that decided an installation.
same_stamp() { [ -f "$1" ] && [ "$(cat "$1")" = "$(cat "${@:2}" | sha256sum)" ]; }
write_stamp() { cat "${@:2}" | sha256sum >"$1"; }
