"""Filters of warnings in settings: a category is imported with the filters in force, so no old name may stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.tests import sample

FILES: dict[str, str | bytes] = {
    "pkg/__init__.py": (
        "import warnings\n\nfrom .told import PkgWarning\n\n\ndef tell():\n    warnings.warn('x', PkgWarning)\n"
    ),
    "pkg/told.py": "class PkgWarning(UserWarning):\n    pass\n",
    "tests/test_pkg.py": "import pkg\n\n\ndef test_tell():\n    pkg.tell()\n",
}
PLAN = (
    '[migration]\nname = "m"\n\n[[move]]\nfrom = "pkg"\nto = "libs.pkg"\n\n[gates]\ntests = ["python -m pytest -q"]\n'
)
INI = "filterwarnings =\n    error\n    ignore::pkg.told.PkgWarning\n    ignore:old thing:DeprecationWarning:pkg.told\n"
SETTINGS = {
    "pyproject.toml": '[tool.pytest.ini_options]\nfilterwarnings = ["error", "ignore::pkg.told.PkgWarning"]\n',
    "pytest.ini": f"[pytest]\n{INI}",
    "setup.cfg": f"[tool:pytest]\n{INI}",
    "tox.ini": "[pytest]\naddopts = -W error -W ignore::pkg.told.PkgWarning\n",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_they_change_with_the_move(tmp_path: Path, name: str) -> None:
    root = tmp_path / "r"
    root.mkdir()
    sample.git(root, "init", "-q", "-b", "main")
    sample.commit(root, {**FILES, name: SETTINGS[name], "migration.toml": PLAN, ".gitignore": "__pycache__/\n"})
    for stage in ("1", "2", "3"):
        done = sample.migrate(root, "--stage", stage, "-q")
        assert done.code == 0, done
    assert (root / name).read_text() == SETTINGS[name].replace("pkg.told", "libs.pkg.told")
    assert (root / "tests/test_pkg.py").read_text() == FILES["tests/test_pkg.py"]
