"""`check-shims` and its `--fix` on a branch that arrives after everybody was integrated, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.migrate.tests import sample

NEWCOMER = "import protocol_v2.header\nfrom alphapulse_types import side\n\nUSED = protocol_v2.header, side\n"
FIXED = (
    "import libs.types.protocol.header\nfrom libs.types.common import side\n\nUSED = libs.types.protocol.header, side\n"
)


@pytest.fixture(scope="module")
def integrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = sample.build(tmp_path_factory.mktemp("late") / "r")
    for stage in ("1", "2", "3", "4"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    return root


def arrive(integrated: Path, tmp_path: Path) -> Path:
    root = sample.copy(integrated, tmp_path / "branch")
    sample.commit(root, {"newcomer.py": NEWCOMER}, "written before the move, merged after it")
    return root


def test_nothing_is_found_where_nothing_arrived(integrated: Path) -> None:
    done = sample.migrate(integrated, "check-shims")
    assert done.code == 0, done
    assert "no old name is used" in done.out


def test_each_late_use_is_named_with_its_line_and_the_fix(integrated: Path, tmp_path: Path) -> None:
    root = arrive(integrated, tmp_path)
    done = sample.migrate(root, "check-shims", "--json")
    assert done.code == 1
    found = json.loads(done.out)
    assert found["schema"] == 1
    uses = [(v["path"], v["line"], v["rule"]) for v in found["violations"]]
    assert uses == [("newcomer.py", n, "old-name-used") for n in (1, 2, 4)]
    assert "libs.types.protocol.header" in found["violations"][0]["fix"]


def test_fix_writes_the_new_names_and_nothing_else(integrated: Path, tmp_path: Path) -> None:
    root = arrive(integrated, tmp_path)
    assert sample.migrate(root, "check-shims", "--fix").code == 0
    assert (root / "newcomer.py").read_text() == FIXED
    assert sample.git(root, "status", "--porcelain", "--untracked-files=no") == "M newcomer.py"
    assert sample.migrate(root, "check-shims").code == 0


def test_a_shallow_clone_is_enough(integrated: Path, tmp_path: Path) -> None:
    root = arrive(integrated, tmp_path)
    sample.git(tmp_path, "clone", "-q", "--depth", "1", root.as_uri(), "shallow")
    assert sample.migrate(tmp_path / "shallow", "check-shims").code == 1


def test_a_late_manifest_ships_the_new_names(integrated: Path, tmp_path: Path) -> None:
    """As stages 3 and 4 would have left it: the old name stays beside the new one until cleanup."""
    root = sample.copy(integrated, tmp_path / "branch")
    late = '[project]\nname = "x"\nversion = "1"\n\n[tool.setuptools]\npackages = ["protocol_v2", "protocol_v2.tlv"]\n'
    sample.commit(root, {"pyproject.toml": late})
    done = sample.served(root, "check-shims")
    assert done.code == 1 and "pyproject.toml:6" in done.out, done
    assert sample.served(root, "check-shims", "--fix").code == 0
    fixed = late.replace('"protocol_v2.tlv"', '"libs.types.protocol", "libs.types.protocol.tlv"')
    assert (root / "pyproject.toml").read_text() == fixed
    assert sample.served(root, "check-shims").code == 0


def test_a_sparse_checkout_hides_no_shim_and_no_module(integrated: Path, tmp_path: Path) -> None:
    sample.git(tmp_path, "clone", "-q", str(integrated), "sparse")
    root = tmp_path / "sparse"
    sample.git(root, "sparse-checkout", "set", "services/a")
    done = sample.served(root, "check-shims")
    assert done.code == 0 and not (root / "protocol_v2").exists(), done
    sample.commit(root, {"services/a/late.py": 'PLACE = "protocol_v2.header.NAME"\n'})
    assert sample.served(root, "check-shims", "--fix").code == 0
    assert (root / "services/a/late.py").read_text() == 'PLACE = "libs.types.protocol.header.NAME"\n'
    assert sample.git(root, "status", "--porcelain") == "M services/a/late.py"


def test_a_checkout_of_somebody_else_is_refused_with_the_way_out(integrated: Path) -> None:
    done = sample.served(integrated, "check-shims", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert done.code == 3 and "dubious ownership" in done.text and f"safe.directory {integrated}" in done.text, done


def test_the_lock_is_enough_without_the_plan(integrated: Path, tmp_path: Path) -> None:
    root = arrive(integrated, tmp_path)
    sample.git(root, "rm", "-q", "migration.toml")
    assert sample.migrate(root, "check-shims").code == 1


def test_dates_count_from_the_day_and_warn_before(integrated: Path) -> None:
    assert sample.migrate(integrated, "check-shims", "--today", "2000-01-01").code == 0
    late = sample.migrate(integrated, "check-shims", "--today", "2999-01-01")
    assert late.code == 1
    assert "shim-overdue" in late.out
    assert sample.migrate(integrated, "check-shims", "--pretend-removed").code == 1


def test_before_the_move_there_is_nothing_to_check(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r")
    assert sample.migrate(root, "check-shims").code == 0
    sample.git(root, "rm", "-q", "migration.toml")
    done = sample.migrate(root, "check-shims")
    assert done.code == 2
    assert "no migration has begun" in done.err


def test_a_lost_lock_is_not_taken_for_a_beginning(integrated: Path, tmp_path: Path) -> None:
    root = arrive(integrated, tmp_path)
    sample.git(root, "rm", "-q", "migration.lock")
    done = sample.migrate(root, "check-shims")
    assert done.code == 2
    assert "bring migration.lock back" in done.err


def test_a_date_that_was_put_off_in_the_lock_stays(integrated: Path, tmp_path: Path) -> None:
    root = sample.copy(integrated, tmp_path / "r")
    assert sample.served(root, "rollback", "--to", "4").code == 0
    head, _, last = (root / "migration.lock").read_text().rpartition("remove-by = 2030-01-01")
    later = f"{head}remove-by = 2031-06-30{last}"
    sample.commit(root, {"migration.lock": later}, "the wire format needs half a year more")
    for stage in ("2", "4"):
        assert sample.served(root, "--stage", stage).code == 0
    assert (root / "migration.lock").read_text().count("remove-by = 2031-06-30") == 1
    assert "goes on 2031-06-30" in (root / "protocol_v2/__init__.py").read_text()
    assert "goes on 2030-01-01" in (root / "libs/types/alphapulse_types/__init__.py").read_text()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[shims]", '[[move]]\nfrom = "services.b"\nto = "services.c"\n\n[shims]', "services.b to services.c is new"),
        ('[[move]]\nfrom = "protocol_v2"\nto = "libs.types.protocol"\n', "", "libs.types.protocol is gone"),
        ('"libs.types.protocol"', '"libs.types.wire"', "went to libs.types.protocol, not to libs.types.wire"),
    ],
)
def test_other_moves_in_the_plan_after_the_move_are_refused(
    integrated: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    """Nothing would move those files any more, and every use would be rewritten as if it had."""
    root = sample.copy(integrated, tmp_path / "r")
    sample.commit(root, {"migration.toml": (root / "migration.toml").read_text().replace(old, new)}, "more")
    done = sample.served(root, "--stage", "1")
    assert done.code == 2 and said in done.text and "rollback --to 3" in done.text, done
    assert sample.served(root, "rollback", "--to", "3").code == 0
