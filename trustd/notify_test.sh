#!/usr/bin/env bash
# usage: notify_test.sh TRUSTD
# Runs notify_test.py.
set -euo pipefail
python3 trustd/notify_test.py "$PWD/$1"
