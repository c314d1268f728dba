"""Settings for every test session of the repository: the guard against a shadowed interpreter.

Owns what must hold before any test runs.  `libs` on the path would make `libs/types` the standard module `types` as
soon as that folder is a package, and the interpreter breaks in ways that name neither; so the session stops here.
Hypothesis has no deadline: how long one example takes says something of the machine, not of the code.  A second run of
the same properties, as for coverage, may ask for fewer examples (`ALPHAPULSE_EXAMPLES`).
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings


def pytest_configure() -> None:
    examples = int(os.environ.get("ALPHAPULSE_EXAMPLES", "100"))
    settings.register_profile("repository", deadline=None, max_examples=examples)
    settings.load_profile("repository")
    bad = [entry for entry in sys.path if Path(entry).name == "libs"]
    if bad:
        raise pytest.UsageError(
            f"{bad[0]} is on sys.path, where its folder `types` can shadow the standard module; "
            "take it out of PYTHONPATH (the root of the repository is enough)"
        )
