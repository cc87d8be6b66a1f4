#!/bin/sh
# Make sure that a virtual environment holds what is asked for; `make` calls this.
#
#   sh tools/venv.sh DIRECTORY PIP-ARGUMENT...      e.g.  sh tools/venv.sh .venv -e '.[test]'
#
# The first Python >= 3.11 that has the venv module is taken; PYTHON=/path/to/python chooses another.
# Written for plain sh: it runs before anything is installed.
set -eu

directory=$1
shift

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

say() { printf '%s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }
is_new_enough() { "$1" -c "$new_enough" >/dev/null 2>&1; }
version_of() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }
# Debian ships `venv` without `ensurepip` until python3-venv is installed.
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Sets `python`, or says what to install.
find_python() {
    without_venv='' too_old=''
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        found=$(version_of "$candidate") || continue
        if ! is_new_enough "$candidate"; then
            too_old="$too_old $candidate=$found"
        elif ! has_venv "$candidate"; then
            without_venv=${without_venv:-$candidate}
        else
            python=$candidate
            return
        fi
    done
    if [ -n "$without_venv" ]; then
        minor=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        say "dlframe: $without_venv (Python $(version_of "$without_venv")) has no working venv module." >&2
        say "  Debian, Ubuntu:  sudo apt install python3-venv    (or python$minor-venv)" >&2
        say "  elsewhere:       a Python from python.org, pyenv, conda or Homebrew has it" >&2
        fail "Then run make again. Another Python: make PYTHON=/path/to/python ..."
    fi
    say "dlframe needs Python 3.11 or newer; found:${too_old:- no Python${PYTHON:+ at $PYTHON}}." >&2
    say "  Debian 12, Ubuntu 24.04 or newer:  sudo apt install python3 python3-venv" >&2
    say "  macOS:                             brew install python" >&2
    say "  anywhere:                          python.org/downloads, or pyenv install 3.12" >&2
    fail "Then run make again. A Python that is not on the PATH: make PYTHON=/path/to/python ..."
}

if ! { is_new_enough "$directory/bin/python" && "$directory/bin/python" -c 'import pip' 2>/dev/null; }
then
    find_python
    say "creating $directory with Python $(version_of "$python")"
    # --clear: what lies there was made by a Python that is gone, or was interrupted.
    "$python" -m venv --clear "$directory"
fi
say "installing into $directory: $* (the first time takes a minute or two)"
"$directory/bin/python" -m pip install -qq --disable-pip-version-check "$@"
