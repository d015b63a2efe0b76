"""The table of definitions in the docs is what the engine does today."""

from __future__ import annotations

import runpy
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def test_the_page_is_what_its_script_writes():
    written = runpy.run_path(str(HOUSE / "docs" / "make_positions_table.py"))["write_table"]()
    kept = (HOUSE / "docs" / "reference" / "positions.md").read_text(encoding="utf-8")
    assert kept == written, "run: python docs/make_positions_table.py"
