"""`python -m tools.migrate`."""

from .cli import main

main()
