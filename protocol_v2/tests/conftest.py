"""Every test of behaviour runs on both implementations: the fixture `codec` is the package with either of them.

Where the compiled one was not built its tests are skipped, and fail instead when ALPHAPULSE_REQUIRE_C is set, so that
a build that went missing cannot look like success.
"""

import os
from typing import Any

import pytest

from protocol_v2.testing import load_implementation

REQUIRE = "ALPHAPULSE_REQUIRE_C"


@pytest.fixture(scope="session", params=["c", "python"])
def codec(request: pytest.FixtureRequest) -> Any:
    """The package, with one implementation."""
    name: str = request.param
    try:
        return load_implementation(name)
    except ImportError as error:
        if os.environ.get(REQUIRE):
            pytest.fail(f"{REQUIRE} is set, and {error}", pytrace=False)
        pytest.skip(f"the compiled codec is not built: {error}")


@pytest.fixture(scope="session")
def reference() -> Any:
    """The package with the Python implementation, which the other one has to agree with."""
    return load_implementation("python")
