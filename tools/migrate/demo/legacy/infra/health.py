"""Is the wire format on this host the one that we expect?"""

import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

SIZES_IN_CHECKOUT = "protocol_v2/data/tlv_sizes.json"


def dump_version() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "protocol_v2.cli", "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def installed_sizes() -> dict[str, int]:
    text = (importlib.resources.files("protocol_v2") / "data" / "tlv_sizes.json").read_text(encoding="utf-8")
    return json.loads(text)


def checkout_sizes() -> dict[str, int]:
    return json.loads(Path(SIZES_IN_CHECKOUT).read_text(encoding="utf-8"))
