"""Command line: make the city, or a copy of it with planted dirt."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from data_samples.monaco.make import dirt

HERE = Path(__file__).parent.parent


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.monaco.make", description=__doc__)
    parser.add_argument("--pbf", type=Path, help="monaco.osm.pbf, or quackosm-0.19.0.tar.gz that carries it")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write raw/ and truth/ into")
    parser.add_argument("--dirt", type=float, metavar="RATE", help="copy the city to --out, spoil this share of rows")
    parser.add_argument("--dirt-seed", type=int, default=1, metavar="N", help="seed of the dirt")
    options = parser.parse_args()
    if options.dirt is not None:
        if options.out.resolve() == HERE.resolve():
            parser.error("--dirt needs --out: a folder other than the clean city")
        spoiled = dirt.spoiled_copy(HERE, options.out, rate=options.dirt, seed=options.dirt_seed)
        print(f"{len(spoiled)} rows spoiled; which and how: {options.out / 'truth' / 'dirt.parquet'}")
    elif options.pbf is None:
        parser.error("--pbf: give the extract; README.md says how to get it")
    else:
        try:  # planting dirt must work without osmium and aequilibrae, so they are looked for only here
            city = importlib.import_module("data_samples.monaco.make.city")
        except ModuleNotFoundError as error:
            parser.error(f"{error.name} is missing: pip install 'city-twin[samples]'")
        city.make_city(options.pbf, options.out)
        size = sum(path.stat().st_size for folder in ("raw", "truth") for path in (options.out / folder).iterdir())
        print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
