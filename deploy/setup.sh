# Sourced by deploy/run and deploy/test: makes this machine able to build and run Kiteline, saying what it does.
# shellcheck shell=bash

# Bold on a terminal, as long as its owner has nothing against it (https://no-color.org); a file gets the words alone.
step() {
    if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then printf '\n\033[1m==> %s\033[0m\n' "$*"; else printf '\n==> %s\n' "$*"; fi
}
say() { printf '    %s\n' "$*"; }

# What is missing is the machine's, not ours: exit 2.
give_up() {
    printf '\n%s\n' "$@" >&2
    exit 2
}

# Debian's packages that are not there yet, each judged by what we need of it: somebody may have installed it another way.
missing_packages() {
    has pkg-config || echo pkg-config
    has_postgres || echo postgresql
    has redis-server || echo redis-server
    has_library libpq libpq-fe.h || echo libpq-dev
    has_library hiredis hiredis/hiredis.h || echo libhiredis-dev
    has_library libcrypto openssl/sha.h || echo libssl-dev
    has_library linear linear.h || echo liblinear-dev
    has_library zlib zlib.h || echo zlib1g-dev
    has_library libcurl curl/curl.h || echo libcurl4-openssl-dev
    has git || echo git
}

has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
has_library() { { has pkg-config && pkg-config --exists "$1"; } || [ -e "/usr/include/$2" ]; }
has_postgres() {
    local version
    for version in /usr/lib/postgresql/*; do
        [ -x "$version/bin/postgres" ] && [ "${version##*/}" -ge 15 ] && return
    done
    has initdb
}

ensure_packages() {
    step "System packages"
    local missing
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -eq 0 ]; then
        say "all there: Postgres 15 or later, Redis, libpq, hiredis, OpenSSL, liblinear, zlib, libcurl"
        return
    fi
    install_as_root "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -eq 0 ] || give_up "Installed, yet still missing: ${missing[*]}" "Kiteline needs Postgres 15 or later (Debian 12, Ubuntu 23.04 or later)."
}

install_as_root() {
    say "missing: $*"
    has apt-get || give_up "These are Debian's names of what is missing: $*" "Install them with this system's package manager, then start again."
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || give_up "Missing packages, and neither root nor sudo to install them with. Let somebody run, as root:" "    apt-get install -y $*"
        as_root=(sudo)
    fi
    install_packages "$@"
}

# The package lists may be absent or old: they are fetched when the first try fails.
install_packages() {
    say "apt-get install $*"
    apt_install "$@" || { say "apt-get update" && "${as_root[@]}" apt-get update -q && apt_install "$@"; } ||
        give_up "apt-get could not install: $*" "Its own words are above. Run it by hand, then start again."
}
apt_install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; }

ensure_swift() {
    step "Swift"
    local folder
    for folder in "${HOME:-/root}/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin; do
        has swift || { [ -x "$folder/swift" ] && PATH="$folder:$PATH"; }
    done
    has swift || give_up "Swift is not installed. Kiteline needs 6.3 or later: https://www.swift.org/install/linux/"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    at_least "${version:-0.0}" 6 3 || give_up "This is Swift ${version:-of unknown version}. Kiteline needs 6.3 or later: https://www.swift.org/install/linux/"
    say "$version"
}
at_least() {
    local major=${1%%.*} minor=${1#*.}
    [ "$major" -gt "$2" ] || { [ "$major" -eq "$2" ] && [ "$minor" -ge "$3" ]; }
}

set_up() {
    ensure_packages
    ensure_swift
}

# What the tests in a browser need; without it they are skipped, so only who wants them all asks for it.
ensure_browser() {
    step "Browser"
    local missing=()
    has chromium || missing+=(chromium)
    has chromedriver || missing+=(chromium-driver)
    fc-list :lang=zh 2>/dev/null | grep -q . || missing+=(fonts-noto-cjk fontconfig)
    if [ ${#missing[@]} -eq 0 ]; then
        say "all there: Chromium, its driver and Chinese letters"
        return
    fi
    install_as_root "${missing[@]}"
    { has chromium && has chromedriver; } || give_up "Installed, yet still missing: chromium or chromedriver."
}

# ensure_judge BUILD: the library by which one test has our signatures judged, in the same place as deploy/check's tools. Without it that
# test is skipped; nothing else needs Python.
ensure_judge() {
    step "Standard Webhooks' own library"
    local tools=$1/check-tools
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        say "skipped: python3 with venv is not there (python3-venv); our signatures are tried on the standard's vector only"
        return
    fi
    [ -x "$tools/bin/python3" ] || python3 -m venv "$tools"
    if "$tools/bin/pip" install -q --disable-pip-version-check standardwebhooks==1.1.0; then
        PATH=$(realpath "$tools")/bin:$PATH
        export PATH
        say "standardwebhooks 1.1.0 from PyPI, in $tools"
    else
        say "skipped: PyPI gave no standardwebhooks 1.1.0; our signatures are tried on the standard's vector only"
    fi
}
