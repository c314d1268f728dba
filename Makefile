# Short words for the commands of dev.py; `make` alone runs the tests.
.DEFAULT_GOAL := test
.PHONY: setup demo test lint types docs check clean

setup demo test lint types docs:
	python3 dev.py $@

check: lint test

clean:
	rm -rf .venv .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo migration-report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +
