"""python -m docs.site [FOLDER]: write the site's pages into a folder (default: build/site-pages)."""

import sys
from pathlib import Path

from .stage import BUILT, stage

if __name__ == "__main__":
    print(stage(Path(sys.argv[1]) if len(sys.argv) > 1 else BUILT))
