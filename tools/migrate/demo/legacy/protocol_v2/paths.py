"""Where things lie on disk."""

from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]
SIZES_FILE = Path(__file__).parent / "data" / "tlv_sizes.json"
