#!/bin/sh
# Brings a container engine up on a bare Debian machine, and the base images that docker/*/Dockerfile name, without
# a container registry: for CI and for classrooms without internet. Nobody with a working Docker needs it.
#
# 1. installs what is missing of docker.io, iptables and debootstrap (and what --with asks for) with apt;
# 2. starts dockerd in the background when no engine answers;
# 3. makes debian:forky-slim, debian:trixie-slim and debian:bookworm-slim, those that are missing, by debootstrap from
#    the package mirror that this machine's own apt uses. Inside them apt points to the same mirror.
#
# Safe to run again: what is there is left alone. Exit: 0 all there, 2 wrong words, 3 the machine cannot.
set -u

all_suites="forky trixie bookworm"
suites=""
extras=""
images=yes
work=""
began=$(date +%s)

usage() {
  cat <<'TEXT'
Usage: sh docker/engine-up.sh [--only SUITE]... [--no-images] [--with PACKAGE]...

Brings a container engine and the Debian base images up on a bare Debian machine, as root, from the machine's own
package mirror. What is there already is left alone.

  --only SUITE     make only this base image (forky, trixie or bookworm); may be repeated
  --no-images      engine only
  --with PACKAGE   also install this Debian package when missing (chromium, mosquitto); may be repeated
  --help           this text

  DEBIAN_MIRROR    environment: a Debian mirror to use instead of the one in apt's settings
  ENGINE_LOG       environment: where dockerd writes its log (default /var/log/dockerd.log)
TEXT
}

say() { printf '%s\n' "engine-up: $*"; }

die() { # message, hint
  printf '%s\n' "engine-up: $1" "Try: $2" >&2
  exit 3
}

wrong_words() {
  printf '%s\n' "engine-up: $1" "Try: sh docker/engine-up.sh --only forky --with mosquitto   (or --help)" >&2
  exit 2
}

# step LABEL COMMAND...: runs it quietly, says how long it took, shows the last lines of its output when it fails.
step() {
  step_label=$1
  shift
  step_log=$work/step.log
  step_began=$(date +%s)
  if "$@" >"$step_log" 2>&1; then
    say "$step_label: $(($(date +%s) - step_began)) s"
    return 0
  fi
  say "$step_label failed after $(($(date +%s) - step_began)) s; its last lines:" >&2
  tail -n 15 "$step_log" >&2
  return 1
}

clean_up() {
  status=$?
  trap - EXIT INT TERM
  [ -n "$work" ] && rm -rf --one-file-system "$work"
  exit "$status"
}

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --no-images) images=no ;;
    --only | --with)
      [ $# -ge 2 ] || wrong_words "$1 needs a word after it"
      if [ "$1" = --with ]; then
        extras="$extras $2"
      else
        case " $all_suites " in
          *" $2 "*) suites="$suites $2" ;;
          *) wrong_words "no base image is made from '$2' (there are: $all_suites)" ;;
        esac
      fi
      shift ;;
    *) wrong_words "unknown word '$1'" ;;
  esac
  shift
done
[ -n "$suites" ] || suites=$all_suites

[ "$(id -u)" = 0 ] || die "this needs root: it installs packages and starts a daemon" "sudo sh docker/engine-up.sh"
command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
  die "this machine has no apt" "install a container engine as your system documents it; the course needs nothing else"

# debootstrap needs a file system that allows device nodes and programs: /tmp often doesn't.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/engine-up.XXXXXX") || die "no temporary folder can be made" "free disk space in /var/tmp"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]; }

engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >"$work/version" 2>/dev/null; }

# --- 1. packages ---------------------------------------------------------------------------------------------------

updated=no
apt_update() {
  [ "$updated" = yes ] && return 0
  updated=yes
  step "package lists" apt-get -o Acquire::Check-Valid-Until=false update
}

missing=""
if ! engine_answers; then
  command -v dockerd >/dev/null || missing="$missing docker.io"
  command -v iptables >/dev/null || missing="$missing iptables"
fi
[ "$images" = no ] || command -v debootstrap >/dev/null || missing="$missing debootstrap"
for package in $extras; do installed "$package" || missing="$missing $package"; done

install_packages() {
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $1
}
if [ -n "$missing" ]; then
  apt_update || die "apt can't read its package lists" "mend the sources in /etc/apt, then run this again"
  step "installing$missing" install_packages "$missing" ||
    die "apt could not install:$missing" "apt-get install$missing"
fi
if ! command -v docker >/dev/null; then # newer Debian releases have the command in a package of its own
  apt_update && step "installing docker-cli" install_packages docker-cli ||
    die "the docker command is missing" "apt-get install docker-cli"
fi

# --- 2. the engine -------------------------------------------------------------------------------------------------

if engine_answers; then
  say "engine $(cat "$work/version") answers"
else
  [ -z "${DOCKER_HOST:-}" ] ||
    die "DOCKER_HOST is set to $DOCKER_HOST and no engine answers there" "start that engine, or: unset DOCKER_HOST"
  log=${ENGINE_LOG:-/var/log/dockerd.log}
  started=$(date +%s)
  if [ -d /run/systemd/system ]; then
    step "systemctl start docker" systemctl start docker || die "systemd could not start docker" "journalctl -u docker"
  else
    pidfile=/var/run/docker.pid # left by an engine that was killed, it stops the next one
    if [ -f "$pidfile" ] && ! kill -0 "$(cat "$pidfile")" 2>/dev/null; then rm -f "$pidfile"; fi
    setsid dockerd >"$log" 2>&1 </dev/null &
    daemon=$!
  fi
  until engine_answers; do
    if [ -n "${daemon:-}" ] && ! kill -0 "$daemon" 2>/dev/null; then
      tail -n 15 "$log" >&2
      die "dockerd ended at once; the last lines of $log are above" "dockerd --debug"
    fi
    [ $(($(date +%s) - started)) -lt 60 ] || { tail -n 15 "$log" >&2; die "dockerd doesn't answer after 60 s" "dockerd --debug"; }
    sleep 0.2
  done
  say "engine $(cat "$work/version") started: $(($(date +%s) - started)) s"
fi

# --- 3. base images ------------------------------------------------------------------------------------------------

[ "$images" = yes ] || { say "done in $(($(date +%s) - began)) s"; exit 0; }

wanted=""
for suite in $suites; do
  if docker image inspect "debian:$suite-slim" >/dev/null 2>&1; then
    say "debian:$suite-slim is there"
  else
    wanted="$wanted $suite"
  fi
done
[ -n "$wanted" ] || { say "done in $(($(date +%s) - began)) s"; exit 0; }

# The mirror of this machine's own Debian packages: by the lists' own label, else by the address's last word.
find_mirror() {
  {
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main'
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -E '/debian/?$'
  } 2>/dev/null | grep -E '^https?://' | head -n 1
}
mirror=${DEBIAN_MIRROR:-$(find_mirror)}
if [ -z "$mirror" ]; then
  apt_update || true
  mirror=$(find_mirror)
fi
[ -n "$mirror" ] || die "apt's settings name no Debian mirror" "DEBIAN_MIRROR=… sh docker/engine-up.sh"

include=""
case $mirror in https:*) include=--include=ca-certificates ;; esac

make_image() { # suite
  suite=$1
  root=$work/$suite
  script=""
  [ -f "/usr/share/debootstrap/scripts/$suite" ] || script=/usr/share/debootstrap/scripts/sid
  # shellcheck disable=SC2086 # empty words vanish
  debootstrap --variant=minbase $include "$suite" "$root" "$mirror" $script || return 1
  printf 'deb %s %s main\n' "$mirror" "$suite" >"$root/etc/apt/sources.list"
  # A testing release's lists, or a frozen mirror's, may be older than they say they are valid.
  printf '%s\n' 'Acquire::Check-Valid-Until "false";' 'APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/90base"
  printf '%s\n' '#!/bin/sh' 'exit 101' >"$root/usr/sbin/policy-rc.d" # no package starts a service in a container
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # What makes it slim.
  printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' 'path-exclude /usr/share/man/*' \
    'path-exclude /usr/share/locale/*' >"$root/etc/dpkg/dpkg.cfg.d/slim"
  find "$root/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
    "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
  tar --numeric-owner -C "$root" -c . | docker import --change 'CMD ["bash"]' - "debian:$suite-slim" || return 1
  rm -rf --one-file-system "$root"
}

# Two at a time: one downloads while the other unpacks.
build() { # suite; its result goes to a file, as $() and wait lose which one failed
  build_began=$(date +%s)
  if make_image "$1" >"$work/$1.log" 2>&1; then
    say "debian:$1-slim made: $(($(date +%s) - build_began)) s"
    : >"$work/$1.ok"
  else
    say "debian:$1-slim failed; the last lines:" >&2
    tail -n 15 "$work/$1.log" >&2
  fi
}
say "making base images:$wanted"
first=""
for suite in $wanted; do
  build "$suite" &
  if [ -n "$first" ]; then
    wait "$first"
  fi
  first=$!
done
wait "$first"

failed=""
for suite in $wanted; do [ -f "$work/$suite.ok" ] || failed="$failed $suite"; done
[ -z "$failed" ] ||
  die "these base images could not be made:$failed" "sh docker/engine-up.sh$(for suite in $failed; do printf ' --only %s' "$suite"; done)"
say "done in $(($(date +%s) - began)) s"
