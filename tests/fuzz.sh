#!/usr/bin/env bash
# Many more inputs for every reader than the tests try: tests/fuzz.sh [HOW MANY OF EACH, 20000]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SWAPCORE_FUZZ="${1:-20000}" ./run pytest -q tests/test_fuzz.py
