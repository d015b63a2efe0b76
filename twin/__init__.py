"""The city on disk and in time.

``twin.build("city.yaml", out="monaco.twin")`` reads what a manifest names, brings it into one frame and onto H3, and
keeps it as an immutable snapshot; ``twin.open("monaco.twin")`` reads it back. `Twin.cube` gives xarray with units,
`Twin.features` the layers, `Twin.ledger` what became of every record and `Twin.explain` where a number comes from.
On the command line: ``twin build|serve|explain|ledger|fusion-error|verify|schema|doctor|info``.
"""

from __future__ import annotations

from twin.build import build
from twin.catalogue import LayerInfo, Variable, View
from twin.errors import (
    BuildError,
    ManifestError,
    PluginMissingError,
    SeriesError,
    StoreDamagedError,
    TruthError,
    TwinError,
    TwinNotFoundError,
    UnknownNameError,
)
from twin.fusion import FusionReport, Placements, measure_fusion
from twin.lineage import Explanation
from twin.manifest import Manifest, json_schema, read_manifest
from twin.model import Twin, open  # noqa: A004 - twin.open reads as it should
from twin.timeline import Clock

__all__ = [
    "BuildError",
    "Clock",
    "Explanation",
    "FusionReport",
    "LayerInfo",
    "Manifest",
    "ManifestError",
    "Placements",
    "PluginMissingError",
    "SeriesError",
    "StoreDamagedError",
    "TruthError",
    "Twin",
    "TwinError",
    "TwinNotFoundError",
    "UnknownNameError",
    "Variable",
    "View",
    "build",
    "json_schema",
    "measure_fusion",
    "open",
    "read_manifest",
]
