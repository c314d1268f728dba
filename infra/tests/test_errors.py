"""The errors: each says what, where and what next in one line, compares, and survives a pickle."""

import inspect
import pickle

import pytest

from infra import errors
from libs.types.protocol import InvalidMagic

ARGUMENTS = {
    "url": "unix:///run/s.sock", "path": "/run", "problem": "no good", "expected": "better", "remedy": "mend it",
    "name": "limit", "value": 3, "package": "nats-py", "purpose": "a URL", "extra": "nats", "queued": 10, "limit": 5,
    "size": 7, "source": "t.toml", "line": 2, "column": 3, "node": "a", "command": "true", "reason": "refused",
    "attempts": 2, "unsent": 4, "unfinished": 6, "offset": 8, "error": InvalidMagic(1, 2, 3), "messages": 9,
}  # fmt: skip
CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.InfraError) and "__init__" in vars(cls)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_errors(cls: "type[errors.InfraError]") -> None:
    names = [name for name in inspect.signature(cls).parameters]
    error = cls(*(ARGUMENTS[name] for name in names))
    assert pickle.loads(pickle.dumps(error)) == error
    assert error.details() == {name: ARGUMENTS[name] for name in names}
    assert "\n" not in str(error) and ("; " in str(error))
    assert all(str(ARGUMENTS[name]) in str(error) for name in names if name != "package")
    assert issubclass(cls, errors.LocalInfraError) != issubclass(cls, errors.RemoteInfraError)
    assert cls.__name__ in (errors.__doc__ or "")


def test_a_defaults_message_is_short() -> None:
    assert "tries" not in str(errors.ConnectFailed("unix:///a", "refused"))
    assert "middle" not in str(errors.EndOfStream("unix:///a"))
