"""Moves Python packages inside a git repository, in six stages that can each be undone."""

import os

__version__ = "0.1.0"

# GitPython would fail at its import where there is no git; `repo` says it in one line instead.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
