"""Command line: make the city."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_samples.shenzhen.make import city

HERE = Path(__file__).parent.parent


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.shenzhen.make", description=__doc__)
    parser.add_argument("--wheel", type=Path, help="wheel of aequilibrae; left out, the installed package")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write raw/ and truth/ into")
    options = parser.parse_args()
    try:
        city.make_city(options.wheel, options.out)
    except ModuleNotFoundError as error:
        parser.error(f"{error.name} is missing: pip install 'city-twin[samples]', or give its --wheel")
    size = sum(path.stat().st_size for folder in ("raw", "truth") for path in (options.out / folder).iterdir())
    print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
