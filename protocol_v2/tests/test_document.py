"""docs/wire-format.md is what the declarations give."""

from pathlib import Path

from protocol_v2 import OrderBookTLV, document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "wire-format.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == document.page(), "python -m protocol_v2.document > docs/wire-format.md"


def test_a_struct_shows_its_computed_padding() -> None:
    assert "| 36 | 4 | pad | | |" in document.struct_table(OrderBookTLV)
