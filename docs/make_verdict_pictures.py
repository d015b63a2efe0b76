"""Draw the two pictures of docs/how-to/read-a-verdict.md from the second embedded city.

python docs/make_verdict_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import crs
import layers

HERE = Path(__file__).resolve().parent
RAW = HERE.parent / "data_samples" / "shenzhen" / "raw"
SHOWN = {"named": ("bus_stops.csv", ("X", "Y")), "ambiguous": ("tunnel_sensors.csv", ("lon", "lat"))}


def main() -> None:
    """Judge both files against the streets and draw what was found."""
    streets = crs.harmonise(layers.read(RAW / "streets.parquet"))
    for status, (name, columns) in SHOWN.items():
        found = crs.detect(layers.read(RAW / name, position=layers.undeclared(columns)), reference=streets)
        if found.status != status:
            raise SystemExit(f"{name} is {found.status}, no longer {status}: choose another file for the page")
        (HERE / "images" / f"verdict-{status}.svg").write_text(found.picture() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
