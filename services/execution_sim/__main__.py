"""Simulates orders and fills from the signal relay's quotes and signals.

    python -m services.execution_sim --signal unix:///run/alphapulse/signal.sock --execution unix:///run/alphapulse/execution.sock

What the command line offers, and the exit codes: `infra.stage`.  Owns only which relays and which app it is.
"""

import sys

from infra.stage import Stage
from libs.types.protocol import RelayDomain, SourceType

from .app import Config, ExecutionSim

STAGE = Stage(
    name="execution_sim",
    description="Simulates orders and fills from the signal relay's quotes and signals.",
    reads=RelayDomain.SIGNAL,
    writes=RelayDomain.EXECUTION,
    source=SourceType.EXECUTION_ENGINE,
    config=Config(),
    make=ExecutionSim,
)
main = STAGE.main

if __name__ == "__main__":
    sys.exit(main())
