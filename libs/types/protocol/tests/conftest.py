"""Every test of behaviour runs on both implementations: the fixture `codec` is the package with either of them.

Where the compiled one was not built its tests are skipped, and fail instead when ALPHAPULSE_REQUIRE_C is set, so that
a build that went missing cannot look like success.
"""

import os
from typing import Any

import pytest

import libs.types.protocol
from libs.types.protocol.testing import load_implementation
from libs.types.protocol.tests.vendor import declare

REQUIRE = "ALPHAPULSE_REQUIRE_C"


@pytest.fixture(scope="session", params=["c", "python"])
def codec(request: pytest.FixtureRequest) -> Any:
    """The package, with one implementation."""
    name: str = request.param
    try:
        return loaded(name)
    except ImportError as error:
        if os.environ.get(REQUIRE):
            pytest.fail(f"{REQUIRE} is set, and {error}", pytrace=False)
        pytest.skip(f"the compiled codec is not built: {error}")


@pytest.fixture(scope="session")
def reference() -> Any:
    """The package with the Python implementation, which the other one has to agree with."""
    return loaded("python")


def loaded(name: str) -> Any:
    """The package with this implementation, and the vendor's structs declared in it."""
    package = load_implementation(name)
    for each in (libs.types.protocol, package):
        declare(each)
    return package
