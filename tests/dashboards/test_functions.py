"""The table of what can be shown and asked names tests that exist."""

import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
TABLE = HOUSE / "docs" / "reference" / "functions.md"


def rows():
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_function_has_its_test_or_an_honest_no():
    for function, here, how, test in rows():
        assert here in {"yes", "no"}, function
        if here == "no":
            assert test == "\N{EN DASH}", function
            continue
        assert how, function
        path, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (HOUSE / path).read_text(encoding="utf-8"), re.MULTILINE), test


def test_forty_functions_and_more_are_there():
    assert sum(here == "yes" for _, here, _, _ in rows()) >= 40
    assert len({function for function, *_ in rows()}) == len(rows())
