"""Archives of trees are unpacked alike by every Python: the oldest know no filters, and `extractall` takes none."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.twotrees import unpack


def archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        member = tarfile.TarInfo("pkg/mod.py")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"X = 1"))
        for name, target in {
            "pkg/same.py": "mod.py",
            "pkg/up.py": "../pkg/mod.py",
            "out": "../../x",
            "root": "/etc",
        }.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return data.getvalue()


@pytest.mark.parametrize("old", [False, True], ids=["with filters", "without"])
def test_files_and_links_inside(old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if old:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        new: Any = tarfile.TarFile.extractall

        def extractall(self: tarfile.TarFile, path: str, members: Any = None) -> None:
            new(
                self, path, members, **({"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {})
            )

        monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters")
    unpack(archive(), str(tmp_path))
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if not path.is_dir())
    assert found == ["pkg/mod.py", "pkg/same.py", "pkg/up.py"]
    assert (tmp_path / "pkg/up.py").read_text() == "X = 1"
