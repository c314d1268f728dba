"""What the tests of the services' programs share: a relay on the loop of the test, and an end that a test can call.

Owns the fixtures.  Only tests import a relay here: services and relays meet on the wire.
"""

from relays.tests.conftest import folder, make_message, pytest_pyfunc_call, running

__all__ = ["folder", "make_message", "pytest_pyfunc_call", "running"]
