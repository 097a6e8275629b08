#!/usr/bin/env bash
# tests/faults.sh --all: every stage ended by every signal at moments spread over its run; prints the table of docs/faults.md.
# --stages, --signals, --moments and --to choose among them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec ./run python tests/faults.py "$@"
