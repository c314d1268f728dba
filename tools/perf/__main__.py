"""`python -m tools.perf`.  SIGTERM (a cancelled job of CI) ends it as Ctrl-C does: nothing is left behind."""

import signal
import sys

from .cli import main
from .processes import end

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sys.exit(main())
