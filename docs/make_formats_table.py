"""Write docs/reference/formats.md: every format, what it can say of its positions, and how it is tried.

python -m docs.make_formats_table (from the folder that holds `docs`)

Formats come from the registry, samples from the tests: what is not read, or not tried, cannot get into the page. A test
runs this again and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import layers
from tests.layers.samples.defects import DEFECTS
from tests.layers.samples.every import EVERY

if TYPE_CHECKING:
    from layers.formats.model import Format

PAGE = Path(__file__).resolve().parent / "reference" / "formats.md"
HEAD = """# Formats

Written by `docs/make_formats_table.py` from the registry and the tests' samples; a test runs it again and compares.

A file gets its reader by its ending, and only if its first bytes agree; GDAL is never asked to guess. It is read in a
child process that can reach nothing but this file and those of the same name beside it, within `limits:` of memory and
time ([why](../decisions/0010-files-are-read-in-a-jail.md)). Every record of it ends placed, quarantined or rejected,
with a [reason](reason-codes.md); a file that is broken as a whole is refused by name.

*What it can state* is what a file of the format may say about its own positions; where it is silent, `position:` has
to. *Tried on* names the samples, with their records.

{formats} formats, {samples} samples written by our own code. Each comes back whole, the same in the child process and
without, and is then broken in {defects} ways ({ways}):
{combinations} combinations, each refused by name or read with a ledger that closes. `make fuzz` breaks them by the
thousand.
"""
TABLE = """
## {title}

| format | endings | what it can state of its positions | tried on |
|---|---|---|---|
"""
TITLES = {
    "tables": "Tables",
    "zones": "Zones and registers",
    "transport": "Transport",
    "environment": "Environment",
    "cim": "City models",
}


def _tried(known: Format) -> str:
    samples = [sample for sample in EVERY if sample.format == known.name]
    told = ", ".join(f"`{sample.file}` ({sample.records})" for sample in samples)
    return told or "real files only: nothing can write it"


def write_page() -> str:
    """Return the page."""
    page = HEAD.format(
        formats=len(layers.FORMATS),
        samples=len(EVERY),
        defects=len(DEFECTS),
        ways=", ".join(DEFECTS),
        combinations=len(EVERY) * len(DEFECTS),
    )
    for family, title in TITLES.items():
        page += TABLE.format(title=title)
        for known in layers.FORMATS:
            if known.family == family:
                endings = " ".join(f"`{suffix}`" for suffix in known.suffixes) + (
                    ", also `.gz`" if known.packed else ""
                )
                page += f"| {known.name} | {endings} | {known.positions} | {_tried(known)} |\n"
    return page


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
