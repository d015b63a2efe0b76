"""The table of reason codes is the code's: equal in words, complete both ways, and each is met in the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

import crs

HOUSE = Path(__file__).resolve().parents[2]
PAGE = HOUSE / "docs" / "reference" / "reason-codes.md"
#: Words before a colon in what `definition` refuses: keys of the manifest, no reasons of records.
MANIFEST_KEYS = {"direction", "offset", "side", "pieces", "valid", "local_grid", "equations"}
#: Words before a colon in the steps of a layer.
STEPS = {"heights"}


def test_the_page_is_the_table():
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {code: says for code, says, _ in rows} == dict(crs.REASON_CODES)
    assert [code for code, _, _ in rows] == list(crs.REASON_CODES)
    assert all(remedy.endswith(".") for _, _, remedy in rows)


def written_codes():
    """Codes that stand at the start of texts in the sources, and those that are passed by name."""
    codes = set()
    for path in [*(HOUSE / "crs").glob("*.py")]:
        if path.name == "reasons.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = re.match(r"([a-z_]+): ", node.value)
                codes |= {found[1]} if found else set()
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                codes.add(node.value.value)
    return codes


def test_the_table_holds_every_code_that_is_written_and_no_other():
    assert written_codes() - MANIFEST_KEYS - STEPS == set(crs.REASON_CODES)


@pytest.mark.parametrize("code", list(crs.REASON_CODES))
def test_every_code_is_met_in_a_test(code):
    texts = [
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
    ]
    assert any(code in text for text in texts)


def test_a_placed_record_has_no_code():
    assert crs.reason_code(None) is None
    assert crs.reason_code("beyond_end: post 9: is not on a line") == "beyond_end"


def test_the_table_is_frozen():
    with pytest.raises(TypeError):
        crs.REASON_CODES["new"] = "words"


def test_what_the_page_of_positions_writes_is_understood():
    """Every example in braces is a definition; the options of a street are read together with it."""
    page = (PAGE.parent / "indirect-positions.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line.partition("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    specs = [yaml.safe_load(line) for line in lines if line.startswith("{")]
    street_block = next(block for block in blocks if "along:" in block)
    options = yaml.safe_load("\n".join(line for line in street_block.splitlines() if line.startswith("  ")))
    assert len(specs) == 15
    # An operation on heights names the file of a grid, which the page has not.
    for spec in (spec for spec in specs if "by" not in (spec.get("vertical") or {})):
        assert crs.definition(spec).columns == tuple(spec.get("columns", ()))
    street = next(spec for spec in specs if "along" in spec)
    said = [yaml.safe_load(line) for line in street_block.splitlines() if line.startswith("  calibration")]
    posts, measures = (each["calibration"] for each in said)
    broken = options.pop("equations")
    assert options.pop("calibration") == measures
    assert crs.definition(street | options).options.pieces == ("from_m", "to_m")
    del options["pieces"]
    assert crs.definition(street | options | {"down": "same_posts", "equations": broken}).columns == (
        "street_id",
        "chainage",
    )
    assert crs.definition(street | options | {"calibration": posts}).references == ("streets", "posts")
    assert crs.definition(street | options | {"calibration": measures}).references == ("streets",)
