"""The twin in other programs' formats: layers and variables with their frame, units, licence and lineage id."""

from __future__ import annotations

from twin.exporting.catalogue import export_catalogue
from twin.exporting.exports import export

__all__ = ["export", "export_catalogue"]
