"""The examples in documents, docstrings and the notebook run."""

import doctest
import importlib
import json
import re
import textwrap
from pathlib import Path

import pytest

import alphapulse_types.identifiers
import protocol_v2.tlv.builder
import services.strategy.sizing

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ["README.md", "docs/wire-format.md"]
DOCUMENTED = [alphapulse_types.identifiers, protocol_v2.tlv.builder, services.strategy.sizing]


def fences(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(body) for _, body in found]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_fences_run(name: str) -> None:
    blocks = fences(name, "python")
    assert blocks
    for block in blocks:
        exec(compile(block, name, "exec"), {})


def test_sessions_run() -> None:
    (session,) = fences("docs/wire-format.md", "pycon")
    parsed = doctest.DocTestParser().get_doctest(session, {}, "wire-format", None, 0)
    result = doctest.DocTestRunner(verbose=False).run(parsed)
    assert (result.failed, result.attempted) == (0, 4)


@pytest.mark.parametrize("module", DOCUMENTED, ids=lambda module: module.__name__.rpartition(".")[2])
def test_docstrings_run(module: object) -> None:
    result = doctest.testmod(importlib.import_module(module.__name__))
    assert result.attempted
    assert not result.failed


def test_the_notebook_runs(capsys: pytest.CaptureFixture[str]) -> None:
    cells = json.loads((ROOT / "docs" / "explore.ipynb").read_text(encoding="utf-8"))["cells"]
    namespace: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
    assert capsys.readouterr().out.endswith("101.50000000\n")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (path.parent / target).exists()] == []
