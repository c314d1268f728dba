"""A branch cut before the migration and merged after it: nothing of it is lost, nothing stays at old places.

Git carries a changed file along where it sees the rename.  What it cannot see is tried here: new files in a moved
folder, changes of files at whose place a shim stands, and a folder that is gone, merged from either side.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.carry import relative_edits
from tools.migrate.layout import ModuleName
from tools.migrate.operations import apply_edits
from tools.migrate.tests import sample
from tools.migrate.tests.sample import Done, commit, git

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]
migrate = sample.served
BRANCH: dict[str, str | bytes] = {
    "protocol_v2/extra.py": (
        "from alphapulse_types.fixed import SCALE\n\nfrom .header import Header\n\nEXTRA = Header.kind + SCALE\n"
    ),
    "protocol_v2/new/__init__.py": "",
    "protocol_v2/new/deep.py": "from protocol_v2.extra import EXTRA\n",
    "protocol_v2/__init__.py": (
        '"""Wire format."""\n\nfrom .header import Header\nfrom .tlv.types import KIND\n\n'
        '__all__ = ["Header", "KIND"]\n'
    ),
    "protocol_v2/tlv/__init__.py": "LEVELS = 3\n",
    "protocol_v2/header.py": (
        "from protocol_v2.tlv.types import KIND\n\n\nclass Header:\n    kind = KIND\n    size = 32\n\n\n"
        "NAME = __name__\n"
    ),
    "services/c/__init__.py": "",
    "services/c/app.py": (
        "import protocol_v2.extra\nfrom protocol_v2.tlv import LEVELS\n\nUSED = protocol_v2.extra.EXTRA, LEVELS\n"
    ),
}
WORKS = (
    "import libs.types.protocol as p, libs.types.protocol.new.deep as d, services.c.app as c\n"
    "assert (p.KIND, p.Header.size, d.EXTRA, c.USED[1]) == (2 * 10**8, 32, 3 * 10**8, 3)"
)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Main after stage 4 and after stage 6, each with a branch `late` from before stage 1."""
    folder = tmp_path_factory.mktemp("branches")
    root = sample.build(folder / "0", sample.QUICK)
    git(root, "switch", "-qc", "late")
    commit(root, BRANCH, "work on the branch")
    git(root, "switch", "-q", "main")
    made = {}
    for stage in range(1, 7):
        done = migrate(root, "--stage", str(stage))
        assert done.code == 0, done
        if stage in (3, 4, 6):
            made[stage] = sample.copy(root, folder / str(stage))
    return made


def merge(root: Path, into: str) -> None:
    """Merge; conflicts are what is expected."""
    if into == "late":
        git(root, "switch", "-q", "late")
    other = "late" if into == "main" else "main"
    subprocess.run(
        ["git", "merge", "-q", "--no-edit", other], cwd=root, env=sample.environment(), capture_output=True, check=False
    )


def fixed(root: Path) -> Done:
    before = migrate(root, "check-shims", "--json")
    assert before.code == 1, before
    rules = {v["rule"] for v in json.loads(before.out)["violations"]}
    assert rules & {"late-file", "old-path-present"}, before.out
    return migrate(root, "check-shims", "--fix")


@pytest.mark.parametrize("into", ["main", "late"])
@pytest.mark.parametrize("stage", [3, 4, 6])
def test_files_and_imports_are_carried_over(roots: dict[int, Path], tmp_path: Path, stage: int, into: str) -> None:
    root = sample.copy(roots[stage], tmp_path / "r")
    merge(root, into)
    done = fixed(root)
    assert done.code == 0, done
    from_where = "added: " if stage == 6 else "carried: protocol_v2/extra.py to "  # git sees that the folder is gone
    assert f"{from_where}libs/types/protocol/extra.py" in done.out
    waits = "import protocol_v2" in (root / "services/a/app.py").read_text()
    assert waits == (stage == 3), "what nobody has touched since the move is for stage 4"
    git(root, "add", "-u")
    git(root, "commit", "-qm", "merge the late branch")
    assert migrate(root, "check-shims").code == 0
    old_root = {"PYTHONPATH": str(root / "libs/types")} if waits else {}
    env = sample.environment(PYTHONWARNINGS="error::DeprecationWarning", **old_root)
    subprocess.run([sys.executable, "-c", WORKS], cwd=root, env=env, check=True)
    moved = git(root, "ls-files", "libs/types/protocol").splitlines()
    for path in BRANCH:
        if path.startswith("protocol_v2/"):
            assert path.replace("protocol_v2", "libs/types/protocol") in moved
    old = [p for p in git(root, "ls-files", "protocol_v2").splitlines() if not p.endswith((".pyi", "py.typed"))]
    assert old == ([] if stage == 6 else ["protocol_v2/__init__.py"])
    if stage != 6:
        assert "tools.migrate shim" in (root / "protocol_v2/__init__.py").read_text()
    assert (root / "libs/types/protocol/header.py").read_text().count("protocol_v2") == 0


def test_a_package_that_no_manifest_lists_is_named(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    listed = '[tool.setuptools]\npackages = ["libs.types.protocol"{}]\n'
    commit(root, {"pyproject.toml": listed.format("")})
    merge(root, "main")
    done = migrate(root, "check-shims", "--fix")
    assert done.code == 1 and "libs.types.protocol.new came late and is not listed" in done.text, done
    git(root, "reset", "-q", "--hard", "HEAD")
    commit(root, {"pyproject.toml": listed.format(', "libs.types.protocol.new"')})
    merge(root, "main")
    fixed(root)


def merge_other_words(root: Path, rest: str) -> None:
    """Merge a branch that has changed the same line as the trunk since; `rest` is what both have behind it."""
    commit(root, {"libs/types/protocol/__init__.py": f'"""Other words."""{rest}'}, "on main")
    git(root, "switch", "-q", "late")
    commit(root, {"protocol_v2/__init__.py": f'"""Words of the branch."""{rest}'}, "words")
    git(root, "switch", "-q", "main")
    merge(root, "main")


def test_a_conflict_on_the_same_lines_waits_for_a_person(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    merge_other_words(root, "\n\nfrom .header import Header\n")
    done = fixed(root)
    assert done.code == 1 and "libs/types/protocol/__init__.py" in done.out and "same lines" in done.out, done
    assert git(root, "diff", "--name-only", "--diff-filter=U") == "libs/types/protocol/__init__.py"
    text = (root / "libs/types/protocol/__init__.py").read_text()
    assert "Other words" in text and "Words of the branch" in text and "<<<<<<< moved" in text
    assert "tools.migrate shim" in (root / "protocol_v2/__init__.py").read_text()
    commit(root, {"libs/types/protocol/__init__.py": '"""Both."""\n\nfrom .header import Header\n'}, "solved")
    assert migrate(root, "check-shims").code == 0


def test_the_check_goes_on_failing_until_a_conflict_is_solved(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    commit(root, {"pyproject.toml": "[project]\nname = 'old'\n"}, "a manifest")
    git(root, "switch", "-q", "late")
    commit(root, {"pyproject.toml": "[project]\nname = 'new'\n"}, "another one")
    git(root, "switch", "-q", "main")
    merge_other_words(root, "\n")
    assert fixed(root).code == 1
    for arguments in (("check-shims",), ("check-shims", "--fix")):
        done = migrate(root, *arguments)
        assert "pyproject.toml:1: error: a merge left this open" in done.out, done
        assert done.code == 1 and "libs/types/protocol/__init__.py:1: error: a merge left this open" in done.out, done


def test_a_merge_in_a_sparse_checkout(roots: dict[int, Path], tmp_path: Path) -> None:
    """What git has checked out because of a conflict is carried, outside of the cone as well; the rest is named."""
    root = sample.copy(roots[4], tmp_path / "r")
    git(root, "sparse-checkout", "set", "services", "libs")
    merge(root, "main")
    done = fixed(root)
    assert done.code == 1 and "carried: protocol_v2/__init__.py to libs/types/protocol/__init__.py" in done.out, done
    assert "protocol_v2/extra.py:1: error: this came to the old place" in done.out
    assert "KIND" in git(root, "show", ":libs/types/protocol/__init__.py")


@pytest.mark.parametrize("stage", [4, 6])
def test_a_branch_that_renames_a_moved_module(roots: dict[int, Path], tmp_path: Path, stage: int) -> None:
    """git keeps both names; which one stays is for a person, and nothing is there twice unnoticed."""
    root = sample.copy(roots[stage], tmp_path / "r")
    git(root, "switch", "-qc", "renames", "late~1")
    git(root, "mv", "protocol_v2/header.py", "protocol_v2/head.py")
    git(root, "commit", "-qm", "a better name")
    git(root, "branch", "-qM", "late")
    git(root, "switch", "-q", "main")
    merge(root, "main")
    for arguments in (("check-shims", "--fix"), ("check-shims", "--fix"), ("check-shims",)):
        done = migrate(root, *arguments)
        assert done.code == 1 and "libs/types/protocol/header.py:1: error: the late branch has given" in done.out, done
    git(root, "rm", "-qf", "libs/types/protocol/header.py")
    git(root, "add", "-u")
    git(root, "commit", "-qm", "merged")
    assert migrate(root, "check-shims").code == 0
    assert (root / "libs/types/protocol/head.py").exists()


def test_a_branch_that_renames_a_subpackage_takes_no_stubs_along(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    git(root, "switch", "-qc", "renames", "late~1")
    git(root, "mv", "protocol_v2/tlv", "protocol_v2/tl")
    git(root, "commit", "-qm", "shorter")
    git(root, "branch", "-qM", "late")
    git(root, "switch", "-q", "main")
    merge(root, "main")
    done = migrate(root, "check-shims", "--fix")
    assert done.code == 1 and "libs/types/protocol/tl/types.py" in done.out and "shim-" not in done.out, done
    assert git(root, "diff", "--name-only", "HEAD", "--", "protocol_v2") == ""
    assert not git(root, "ls-files", "libs/types/protocol/tl/*.pyi", "protocol_v2/tl")


def test_what_the_trunk_has_deleted_does_not_come_back_unseen(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    git(root, "rm", "-q", "libs/types/protocol/tlv/__init__.py")
    git(root, "commit", "-qm", "not needed any more")
    merge(root, "main")
    done = migrate(root, "check-shims", "--fix")
    path = "libs/types/protocol/tlv/__init__.py"
    assert done.code == 1 and f"{path}:1: error" in done.out and "deleted" in done.out, done
    assert git(root, "diff", "--name-only", "--diff-filter=U") == path
    git(root, "add", path)
    assert migrate(root, "check-shims").code == 0


def test_lines_beside_a_rewritten_import_are_merged(roots: dict[int, Path], tmp_path: Path) -> None:
    """git sees a conflict, since both sides changed neighbouring lines; with the new names on both there is none."""
    root = sample.copy(roots[4], tmp_path / "r")
    git(root, "switch", "-q", "late")
    app = (root / "services/a/app.py").read_text()
    commit(
        root,
        {"services/a/app.py": app.replace("import protocol_v2.header\n", "import protocol_v2.header\nimport os\n")},
    )
    git(root, "switch", "-q", "main")
    merge(root, "main")
    assert "services/a/app.py" in git(root, "diff", "--name-only", "--diff-filter=U")
    done = fixed(root)
    assert done.code == 0 and "merged: services/a/app.py" in done.out, done
    expected = app.replace("protocol_v2.header", "libs.types.protocol.header").replace(
        "protocol_v2 import", "libs.types.protocol import"
    )
    expected = expected.replace("header\nfrom", "header\nimport os\nfrom", 1)
    assert (root / "services/a/app.py").read_text() == expected
    assert git(root, "diff", "--name-only", "--diff-filter=U") == ""


def test_a_module_whose_place_a_shim_took(tmp_path: Path) -> None:
    """Its change, with a new relative import, goes to the module in its new place."""
    root = sample.build_modules(tmp_path / "r")
    git(root, "switch", "-qc", "late")
    late: dict[str, str | bytes] = {
        "pkg/more.py": "EXTRA = 1\n",
        "pkg/http.py": (
            "from . import text\nfrom .more import EXTRA\nfrom .text import clean\n\n\n"
            "def get(x):\n    return clean(x) + text.END * EXTRA\n"
        ),
    }
    commit(root, late, "on the branch")
    git(root, "switch", "-q", "main")
    for stage in ("1", "2", "3", "4"):
        assert migrate(root, "--stage", stage).code == 0
    merge(root, "main")
    done = fixed(root)
    assert done.code == 0, done
    text = (root / "pkg/common/http.py").read_text()
    assert "from pkg.more import EXTRA\n" in text and "text.END * EXTRA" in text
    assert "tools.migrate shim" in (root / "pkg/http.py").read_text()
    command = [sys.executable, "-W", "error", "-c", "import pkg.common.http as h; assert h.get(' a ') == 'a.'"]
    subprocess.run(command, cwd=root, env=sample.environment(), check=True)


def test_a_place_that_is_taken_is_left_to_a_person(roots: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(roots[4], tmp_path / "r")
    commit(root, {"libs/types/protocol/extra.py": "MINE = 1\n", "libs/types/protocol/same.txt": "s\n"}, "on main")
    commit(root, {"protocol_v2/extra.py": "MINE = 2\n", "protocol_v2/same.txt": "s\n"}, "late, without a merge")
    done = fixed(root)
    assert done.code == 1 and "protocol_v2/extra.py" in done.out and "by hand" in done.out, done
    assert (root / "protocol_v2/extra.py").read_text() == "MINE = 2\n"
    assert (root / "libs/types/protocol/extra.py").read_text() == "MINE = 1\n"
    assert not (root / "protocol_v2/same.txt").exists()


def test_fixing_waits_for_a_stage_that_runs(roots: dict[int, Path], tmp_path: Path) -> None:
    import filelock

    root = sample.copy(roots[4], tmp_path / "r")
    commit(root, {"late.py": "import protocol_v2\n"})
    with filelock.FileLock(root / ".git/migrate/lock"):
        assert migrate(root, "check-shims").code == 1
        done = migrate(root, "check-shims", "--fix")
        assert done.code == 3 and "another run" in done.text, done
    assert migrate(root, "check-shims", "--fix").code == 0


NEW = {"pkg.sub": "pkg.common.sub", "pkg.sub.far": "other.far"}


def new_module(name: str) -> str | None:
    for old in sorted(NEW, key=len, reverse=True):
        if f"{name}.".startswith(f"{old}."):
            return NEW[old] + name[len(old) :]
    return None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from . import a\nfrom .b import c\n", "from . import a\nfrom .b import c\n"),
        ("from .. import a\n", "from pkg import a\n"),
        ("from ..x.y import a  # why\n", "from pkg.x.y import a  # why\n"),
        ("from .far import a\n", "from other.far import a\n"),
        ("if a:\n    from ..x import (\n        b,\n    )\n", "if a:\n    from pkg.x import (\n        b,\n    )\n"),
        ("from..x import b\n", "from pkg.x import b\n"),
        ("from ....x import b\n", "from ....x import b\n"),
        ("import pkg.sub\n", "import pkg.sub\n"),
        ("from .. import sub\n", "from .. import sub\n"),
        ("from .. import (\n", "from .. import (\n"),
    ],
)
def test_relative_imports_lead_where_they_did(before: str, after: str) -> None:
    old, new = ModuleName("pkg.sub.late", False), ModuleName("pkg.common.sub.late", False)
    edits = tuple(relative_edits(before, old, new, new_module))
    assert apply_edits(before.encode(), edits, "late.py").decode() == after
