"""The examples in the services' README files run."""

import re
from pathlib import Path

import pytest

from tests.integration.chain import kraken_l2

ROOT = Path(__file__).resolve().parents[2]
READMES = sorted((ROOT / "services").glob("*/README.md"))


def test_every_service_has_an_example() -> None:
    assert len(READMES) >= 4


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_examples_run(readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if readme.parent.name == "recorder":
        pytest.importorskip("pyarrow", reason="the recorder needs pyarrow")
    monkeypatch.chdir(tmp_path)
    Path("capture.csv.gz").write_bytes(kraken_l2(3))
    examples = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, str(readme), "exec"), {})
