"""Moves Python packages inside a git repository, in six stages that can each be undone."""

__version__ = "0.1.0"
