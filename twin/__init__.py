"""The city on disk and in time.

``twin.build("city.yaml", out="monaco.twin")`` reads what a manifest names, brings it into one frame and onto H3, and
keeps it as an immutable snapshot; ``twin.open("monaco.twin")`` reads it back. `Twin.cube` gives xarray with units,
`Twin.features` the layers, `Twin.ledger` what became of every record and `Twin.explain` where a number comes from.
On the command line: ``twin plan|build|serve|explain|ledger|log|diff|verify|gc|backup|restore|…``.
"""

from __future__ import annotations

from twin import measures
from twin.build import build
from twin.catalogue import LayerInfo, Stop, Variable, View
from twin.comparing import Difference
from twin.corrections.correction import Correction
from twin.corrections.writing import correct
from twin.errors import (
    BuildError,
    BusyError,
    ExportError,
    ManifestError,
    MeasureError,
    PluginMissingError,
    SeriesError,
    StoreDamagedError,
    TruthError,
    TwinError,
    TwinNotFoundError,
    UnknownNameError,
)
from twin.exporting import export, export_catalogue
from twin.fusion.report import FusionReport, Placements, measure_fusion
from twin.lineage.explaining import Explanation
from twin.lineage.replay_value import replay_value
from twin.lineage.whereabouts import Whereabouts
from twin.manifest.reading import Manifest, json_schema, read_manifest
from twin.model import Twin, open  # noqa: A004 - twin.open reads as it should
from twin.progress.forecast import forecast
from twin.replay import Replay, replay
from twin.storage.history import Run, history
from twin.storage.keeping import backup, collect_garbage, restore
from twin.timeline import Clock

__all__ = [
    "BuildError",
    "BusyError",
    "Clock",
    "Correction",
    "Difference",
    "Explanation",
    "ExportError",
    "FusionReport",
    "LayerInfo",
    "Manifest",
    "ManifestError",
    "MeasureError",
    "Placements",
    "PluginMissingError",
    "Replay",
    "Run",
    "SeriesError",
    "Stop",
    "StoreDamagedError",
    "TruthError",
    "Twin",
    "TwinError",
    "TwinNotFoundError",
    "UnknownNameError",
    "Variable",
    "View",
    "Whereabouts",
    "backup",
    "build",
    "collect_garbage",
    "correct",
    "export",
    "export_catalogue",
    "forecast",
    "history",
    "json_schema",
    "measure_fusion",
    "measures",
    "open",
    "read_manifest",
    "replay",
    "replay_value",
    "restore",
]
