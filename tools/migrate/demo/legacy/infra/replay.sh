#!/bin/sh
# Shows what a capture says: infra/replay.sh FILE, one message per file in hexadecimal.
set -e
cd "$(dirname "$0")/.."
test -f protocol_v2/data/tlv_sizes.json
exec "${PYTHON:-python3}" -m protocol_v2.cli < "$1"
