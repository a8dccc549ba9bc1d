#!/bin/sh
# Makes this checkout ready to run: .venv from the locked requirements, the project itself in it, the HAPI server.
#   smart-launch/setup.sh [--without-hapi] [--with-chromium] [--with-contract]
# --with-contract: .venv-contract too, the environment of the vendor's own SDK that tests/contract runs.
# What is done already is skipped; two runs at once wait for each other. Ends with status 2 and one sentence when the
# machine lacks something that cannot be installed from here.
set -eu
cd "$(dirname "$0")/.."

hapi=yes
chromium=no
contract=no
for argument in "$@"; do
    case $argument in
        --without-hapi) hapi=no ;;
        --with-chromium) chromium=yes ;;
        --with-contract) contract=yes ;;
        *) echo "set-up: unknown argument $argument" >&2; exit 2 ;;
    esac
done

say() { echo "set-up: $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# A shim may be on PATH with nothing behind it.
have_uv=$(uv --version >/dev/null 2>&1 && echo yes || echo no)

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        if [ -n "$candidate" ] && has "$candidate" && is_new_enough "$candidate"; then
            python=$("$candidate" -c 'import sys; print(sys.executable)')
            return 0
        fi
    done
    [ "$have_uv" = yes ] && python=$(uv python find --quiet '>=3.11' 2>/dev/null)
}

install_python() {
    if [ "$have_uv" = yes ]; then
        say "installing Python"
        uv python install 3.11 >&2
    elif has apt-get && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        say "installing Python"
        as_root=$([ "$(id -u)" = 0 ] || echo "sudo -n")
        apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600"
        $apt update >&2 </dev/null || true
        $apt install -y --no-install-recommends python3.11 python3.11-venv >&2 </dev/null ||
            $apt install -y --no-install-recommends python3 python3-venv >&2 </dev/null
    elif has brew; then
        say "installing Python"
        brew install python@3.12 >&2 </dev/null
    fi
}

if ! find_python; then
    install_python || true
    if ! find_python; then
        if has apt-get; then how="sudo apt-get install -y python3.11 python3.11-venv"
        elif has brew; then how="brew install python@3.12"
        else how="see https://www.python.org/downloads/"
        fi
        say "Python 3.11 or newer must be installed first: $how"
        exit 2
    fi
fi

# This file is the lock: whoever holds it open here holds it until the end of the script. flock(1) is not everywhere.
exec 9<smart-launch/setup.sh
"$python" - <<'PYTHON'
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("set-up: waiting for another set-up of this checkout", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
PYTHON

tools=""
[ "$hapi" = no ] || tools="$tools jdk maven"
[ "$chromium" = no ] || tools="$tools chromium"
[ "$have_uv" = yes ] || [ -x .venv/bin/python ] || tools="$tools venv"
# shellcheck disable=SC2086  # words on purpose
"$python" smart-launch/sandbox/toolchain.py $tools

# A virtual environment holds absolute paths: one that was copied or moved is made anew.
made_at=$(cat .venv/.place 2>/dev/null || pwd)
if [ "$made_at" != "$(pwd)" ] || ! is_new_enough .venv/bin/python; then
    say "making .venv"
    rm -rf .venv
    if [ "$have_uv" = yes ]; then uv venv --quiet --python "$python" .venv; else "$python" -m venv .venv; fi
    pwd >.venv/.place
fi

digest() { cat "$@" | .venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }
is_done() { [ "$(cat ".venv/.$1" 2>/dev/null)" = "$2" ]; }

ensure_pip() { .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null; }
pip_install() { .venv/bin/python -m pip install --disable-pip-version-check "$@" >&2; }

requirements=$(digest requirements/dev.txt)
if ! is_done requirements "$requirements"; then
    say "installing the locked requirements"
    if [ "$have_uv" = yes ]; then
        uv pip sync --python .venv/bin/python --require-hashes requirements/dev.txt >&2
    else
        ensure_pip
        pip_install --require-hashes -r requirements/dev.txt
    fi
    echo "$requirements" >.venv/.requirements
    rm -f .venv/.project
fi

project=$(digest pyproject.toml)
if ! is_done project "$project"; then
    say "installing the project"
    if [ "$have_uv" = yes ]; then
        uv pip install --python .venv/bin/python --no-deps --no-build-isolation -e . >&2
    else
        ensure_pip
        pip_install --no-deps --no-build-isolation -e .
    fi
    echo "$project" >.venv/.project
fi

if [ "$contract" = yes ]; then
    locked=$(digest requirements/contract.txt)
    if [ "$(cat .venv-contract/.place 2>/dev/null)" != "$(pwd)" ] || ! is_new_enough .venv-contract/bin/python ||
        [ "$(cat .venv-contract/.requirements 2>/dev/null)" != "$locked" ]; then
        say "making .venv-contract"
        rm -rf .venv-contract
        if [ "$have_uv" = yes ]; then
            uv venv --quiet --python "$python" .venv-contract
            uv pip sync --python .venv-contract/bin/python --require-hashes requirements/contract.txt >&2
        else
            "$python" -m venv .venv-contract
            .venv-contract/bin/python -m pip install --disable-pip-version-check --require-hashes \
                -r requirements/contract.txt >&2
        fi
        pwd >.venv-contract/.place
        echo "$locked" >.venv-contract/.requirements
    fi
fi

[ "$hapi" = no ] || .venv/bin/python -m connector_sandbox.hapi --build
