"""A text table by the standard library, row by row: slow and obvious."""

import csv
import io


def read_rows(text: str) -> tuple[list[str], list[list[str]]]:
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return rows[0], rows[1:]
