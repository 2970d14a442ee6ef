#!/usr/bin/env bash
# One drill, as tools/run --drill shows it.
exec "$@"
