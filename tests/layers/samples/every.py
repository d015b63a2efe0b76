"""All samples of all families, for those who run over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.layers.samples import cim, environment, tables, transport, zones

if TYPE_CHECKING:
    from tests.layers.samples.model import Sample

__all__ = ["EVERY"]

EVERY: tuple[Sample, ...] = (
    *tables.SAMPLES,
    *zones.SAMPLES,
    *transport.SAMPLES,
    *environment.SAMPLES,
    *cim.SAMPLES,
)
