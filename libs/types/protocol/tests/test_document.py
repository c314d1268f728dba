"""docs/wire-format.md is what the declarations give, and the examples of the README run."""

import re
import subprocess
import sys
from pathlib import Path

from libs.types.protocol import OrderBookTLV, document

PAGE = Path(__file__).resolve().parents[4] / "docs" / "wire-format.md"
README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_page_is_fresh() -> None:
    """Made in a process of its own: here, other tests may have declared types."""
    command = [sys.executable, "-m", "libs.types.protocol.document"]
    made = subprocess.run(command, cwd=PAGE.parents[1], capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text(encoding="utf-8") == made, "python -m libs.types.protocol.document > docs/wire-format.md"


def test_a_struct_shows_its_computed_padding() -> None:
    assert "| 36 | 4 | pad | | |" in document.struct_table(OrderBookTLV)


def test_the_readme_runs(tmp_path: Path) -> None:
    """In a process of its own: it declares a TLV, which is then known for as long as the process lives."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "vec of 10 OrderLevel" in done.stdout
