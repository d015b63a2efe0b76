"""The table of reason codes is the code's: equal in words, complete both ways, and each is met in the tests."""

from __future__ import annotations

import ast
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import shapely
import yaml

import crs
from tests.reference.crs_layers import FakeLayer

HOUSE = Path(__file__).resolve().parents[2]
PAGE = HOUSE / "docs" / "reference" / "reason-codes.md"
#: Words before a colon in the steps of a layer, which say what was done with all of it: see the test of them below.
STEPS = {"heights"}


def test_the_page_is_the_table():
    # The first table is of positions; those below it are of readers, values and rules.
    positions = PAGE.read_text(encoding="utf-8").split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", positions, re.MULTILINE)
    assert {code: says for code, says, _ in rows} == dict(crs.REASON_CODES)
    assert [code for code, _, _ in rows] == list(crs.REASON_CODES)
    assert all(remedy.endswith(".") for _, _, remedy in rows)


class Codes(ast.NodeVisitor):
    """Collects what stands before the colon of texts, and the codes that are passed by name.

    Texts of errors are left out: an error refuses a definition or a dataset, and begins with whatever it names (such as
    the word `offset:` of a manifest). A record is refused by a text that is kept.
    """

    def __init__(self):
        self.found = set()

    def visit_Raise(self, node):
        for inner in ast.walk(node):
            if isinstance(inner, ast.keyword) and inner.arg == "code" and isinstance(inner.value, ast.Constant):
                self.found.add(inner.value.value)

    def visit_Constant(self, node):
        match = re.match(r"([a-z_]+): ", node.value) if isinstance(node.value, str) else None
        self.found |= {match[1]} if match else set()


def written_codes():
    """Codes of all sources but the table itself."""
    codes = Codes()
    for path in (HOUSE / "crs").rglob("*.py"):
        if path.name != "reasons.py":
            codes.visit(ast.parse(path.read_text(encoding="utf-8")))
    return codes.found


def test_the_table_holds_every_code_that_is_written_and_no_other():
    assert written_codes() - STEPS == set(crs.REASON_CODES)


def test_the_words_of_steps_are_met_in_steps_and_in_no_reason():
    point = np.array([shapely.Point(114.05, 22.54, 7.0)], dtype=object)
    done = crs.harmonise(FakeLayer("masts", crs.definition("GCJ-02"), crs.Shapes(point)))
    assert {step.partition(":")[0] for step in done.steps} >= STEPS
    assert done.reasons.tolist() == [None]


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


def test_what_the_page_of_positions_writes_is_understood(tmp_path, monkeypatch):
    """Every example in braces is a definition; the options of a street are read together with it."""
    monkeypatch.chdir(tmp_path)
    heights = np.full((3, 3), 30.0, dtype=">f4")
    (tmp_path / "quasigeoid.gtx").write_bytes(struct.pack(">4d2i", 22, 113, 0.5, 0.5, 3, 3) + heights.tobytes())
    page = (PAGE.parent / "indirect-positions.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line.partition("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    specs = [yaml.safe_load(line) for line in lines if line.startswith("{")]
    assert len(specs) == 17
    for spec in specs:
        meant = crs.definition(spec)
        assert meant.columns == tuple(spec.get("columns", ()))
        assert (meant.lift is not None) == (isinstance(spec.get("vertical"), dict) and "by" in spec["vertical"])
    assert [spec["vertical"]["by"] for spec in specs if crs.definition(spec).lift is not None] == [
        "CN:1956-1985",
        {"grid": "quasigeoid.gtx", "to": "ellipsoidal", "accuracy_m": 0.05, "source": "bureau"},
    ]
    control = next(spec for spec in specs if isinstance(spec.get("local_grid", {}).get("control_points"), dict))
    assert crs.definition(control).references == ("monuments",)


def test_what_the_page_of_positions_writes_of_a_street_is_understood():
    page = (PAGE.parent / "indirect-positions.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    block = next(block for block in blocks if "along:" in block)
    lines = [line.partition("  #")[0].rstrip() for line in block.splitlines()]
    street = yaml.safe_load(lines[0])
    options = yaml.safe_load("\n".join(line for line in lines[1:] if line.strip()))
    said = [yaml.safe_load(line) for line in lines if line.startswith("  calibration")]
    posts, measures = (each["calibration"] for each in said)
    broken = options.pop("equations")
    assert options.pop("calibration") == measures
    assert crs.definition(street | options).options.pieces == ("from_m", "to_m")
    del options["pieces"]
    counted = crs.definition(street | options | {"down": "same_posts", "equations": broken})
    assert counted.options.equations == (("G15", ("K12+300 = K12+450",)),)
    assert crs.definition(street | options | {"calibration": posts}).references == ("streets", "posts")
    assert "ahead: after_m" in block
    ahead = crs.definition(street | options | {"calibration": {**posts, "ahead": "after_m"}})
    assert ahead.options.calibration.ahead == "after_m"
    measured = crs.definition(street | options | {"calibration": measures})
    assert (measured.references, measured.options.measures) == (("streets",), "metre")
