"""A writer of the smallest Access databases (Jet 4, ACE 12): one catalogue and tables of a few pages, for tests only.

The layout is that of mdbtools' HACKING.md (https://github.com/mdbtools/mdbtools): pages of 4096 bytes; page 0 says
what the file is, page 2 defines the catalogue MSysObjects, each table has a page that defines it, a page with its usage
map, and pages of rows. Microsoft's programs want more than this (indexes, properties) and were not tried.
"""

import datetime as dt
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
_KINDS = {"boolean": 1, "integer": 4, "double": 7, "date": 8, "text": 10, "ole": 11, "memo": 12}
_SIZES = {"boolean": 0, "integer": 4, "double": 8, "date": 8}
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - Access knows no zones
_LONG_HERE = 0x80000000
_KEY = (0x6B39DAC7).to_bytes(4, "little")


@dataclass(frozen=True)
class Table:
    """A table: its name, (name, kind) of each column, and rows with None for NULL."""

    name: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[object]]


def _rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def _first_page(*, ace: bool) -> bytes:
    page = bytearray(PAGE)
    page[:0x14] = b"\0\1\0\0Standard ACE DB\0" if ace else b"\0\1\0\0Standard Jet DB\0"
    page[0x14] = 2 if ace else 1
    plain = bytearray(128)  # collation, code page, no key, no password
    struct.pack_into("<H", plain, 0x3C - 0x18, 1252)
    page[0x18:0x98] = _rc4(_KEY, bytes(plain))
    return bytes(page)


def _fixed(kind: str, value: object) -> bytes:
    if kind == "integer":
        return struct.pack("<i", value or 0)
    if kind == "double":
        return struct.pack("<d", value or 0.0)
    days = (value - _EPOCH) / dt.timedelta(days=1) if isinstance(value, dt.datetime) else 0.0
    return struct.pack("<d", days)


def _variable(kind: str, value: object) -> bytes:
    if value is None:
        return b""
    data = value if isinstance(value, bytes) else str(value).encode("utf-16-le")
    return data if kind == "text" else struct.pack("<III", len(data) | _LONG_HERE, 0, 0) + data


def _row(table: Table, row: Sequence[object]) -> bytes:
    """Count of columns, what has a fixed size, what has not, where that begins (backwards), and what is not NULL."""
    kinds = [kind for _, kind in table.columns]
    out = struct.pack("<H", len(kinds))
    out += b"".join(_fixed(kind, value) for kind, value in zip(kinds, row, strict=True) if _SIZES.get(kind))
    starts = []
    for kind, value in zip(kinds, row, strict=True):
        if kind not in _SIZES:
            starts.append(len(out))
            out += _variable(kind, value)
    out += b"".join(struct.pack("<H", start) for start in reversed([*starts, len(out)])) + struct.pack(
        "<H", len(starts)
    )
    mask = sum(
        1 << i for i, (kind, value) in enumerate(zip(kinds, row, strict=True))
        if (value if kind == "boolean" else value is not None)
    )  # fmt: skip
    return out + mask.to_bytes((len(kinds) + 7) // 8, "little")


def _filled(kind: bytes, owner: int, rows: list[bytes]) -> bytes:
    """Lay rows into a page from its end, and their places at its beginning."""
    page, end = bytearray(PAGE), PAGE
    page[:2] = kind
    struct.pack_into("<IIH", page, 4, owner, 0, len(rows))
    for i, row in enumerate(rows):
        end -= len(row)
        page[end : end + len(row)] = row
        struct.pack_into("<H", page, 14 + 2 * i, end)
    struct.pack_into("<H", page, 2, end - 14 - 2 * len(rows))
    return bytes(page)


def _data_pages(table: Table, owner: int) -> list[bytes]:
    pages, held, room = [], [], PAGE - 14
    for row in (_row(table, row) for row in table.rows):
        if len(row) + 2 > room:
            pages.append(_filled(b"\1\1", owner, held))
            held, room = [], PAGE - 14
        held.append(row)
        room -= len(row) + 2
    return [*pages, _filled(b"\1\1", owner, held)] if held else pages


def _definition(table: Table, map_page: int) -> bytes:
    page = bytearray(PAGE)
    page[:2] = b"\2\1"
    variable = sum(kind not in _SIZES for _, kind in table.columns)
    struct.pack_into("<I", page, 16, len(table.rows))
    page[40] = 0x4E
    struct.pack_into("<HHH", page, 41, len(table.columns), variable, len(table.columns))
    struct.pack_into("<II", page, 47, 0, 0)
    struct.pack_into("<II", page, 55, map_page << 8, map_page << 8 | 1)
    at, fixed, nth = 63, 0, 0
    for i, (_, kind) in enumerate(table.columns):
        page[at] = _KINDS[kind]
        is_fixed = kind in _SIZES
        struct.pack_into("<HHH", page, at + 5, i, 0 if is_fixed else nth, i)
        page[at + 15] = 3 if is_fixed else 2
        struct.pack_into("<HH", page, at + 21, fixed if is_fixed else 0, _SIZES.get(kind, 510 if kind == "text" else 0))
        fixed, nth = fixed + _SIZES.get(kind, 0), nth + (not is_fixed)
        at += 25
    for name, _ in table.columns:
        text = name.encode("utf-16-le")
        struct.pack_into("<H", page, at, len(text))
        page[at + 2 : at + 2 + len(text)] = text
        at += 2 + len(text)
    struct.pack_into("<I", page, 8, at - 8)
    return bytes(page)


def _usage_map(pages: range) -> bytes:
    """Which pages hold the rows, from the first of them on; and that none is kept free."""
    bits = (1 << len(pages)) - 1
    held = b"\0" + struct.pack("<I", pages.start) + bits.to_bytes(64, "little")
    return _filled(b"\1\1", 0, [held, b"\0" + struct.pack("<I", 0) + bytes(64)])


def write_access(path: Path, tables: Sequence[Table]) -> None:
    """Write a .mdb or .accdb file; a table may have 512 pages of rows, a row one page."""
    pages: dict[int, bytes] = {0: _first_page(ace=path.suffix == ".accdb"), 1: bytes(PAGE)}
    entries, free = [], 4
    for table in tables:
        rows = _data_pages(table, free)
        pages[free], pages[free + 1] = _definition(table, free + 1), _usage_map(range(free + 2, free + 2 + len(rows)))
        pages |= dict(enumerate(rows, start=free + 2))
        entries.append([free, table.name, 1, 0, None])
        free += 2 + len(rows)
    kinds = [("Id", "integer"), ("Name", "text"), ("Type", "integer"), ("Flags", "integer"), ("LvProp", "ole")]
    catalogue = Table("MSysObjects", kinds, [[2, "MSysObjects", 1, -0x80000000, None], *entries])
    rows = _data_pages(catalogue, 2)
    pages[2], pages[3] = _definition(catalogue, 3), _usage_map(range(free, free + len(rows)))
    pages |= dict(enumerate(rows, start=free))
    path.write_bytes(b"".join(pages[number] for number in sorted(pages)))
