"""How many partitions a dataset will make before anybody read it: from bytes, and from what former builds counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.manifest.models import DetectPosition
from twin.steps import parts as sizes
from twin.store import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twin.manifest.models import DatasetSpec
    from twin.manifest.reading import Manifest

__all__ = ["expected_parts"]

_BYTES = {
    ".csv": 80.0,
    ".txt": 80.0,
    ".tsv": 80.0,
    ".json": 300.0,
    ".geojson": 300.0,
    ".jsonl": 1000.0,
    ".gpkg": 250.0,
    ".parquet": 50.0,
    ".geoparquet": 50.0,
    ".shp": 150.0,
    ".xlsx": 25.0,
    ".gml": 1000.0,
    ".xml": 500.0,
    ".pbf": 15.0,
    ".osm": 200.0,
}
"""Bytes of a record, by the ending of the file: a first guess, which the first build replaces by what it counted."""

_PACKED = {".gz": 8.0, ".zip": 5.0}


def expected_parts(manifest: Manifest, name: str, counted: Mapping[str, tuple[int, int]]) -> int:
    """Estimate how many partitions a dataset will make.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Of the dataset.
    counted : mapping of str to tuple of int
        Records and bytes of datasets in former builds.

    Returns
    -------
    int
        0 if it is small, or nothing that is taken in partitions, or nobody can tell.
    """
    dataset, files = manifest.spec.datasets[name], manifest.files(name)
    if _taken_whole(dataset):
        return 0
    if name in counted:
        records, size = counted[name]
        each = [records * size_of(path) / max(1, size) for path in files]
    else:
        each = [size_of(path) / _bytes_of_record(path.suffixes) for path in files]
    if sum(each) <= sizes.LEAST_RECORDS:
        return 0
    return sum(max(1, -int(-records // sizes.STRETCH)) for records in each)


def _taken_whole(dataset: DatasetSpec) -> bool:
    """Say whether the manifest alone shows that records are looked at together; see decision 0013."""
    fields = any(variable.field for variable in dataset.variables.values())
    return bool(dataset.site) or dataset.support != "own" or fields or isinstance(dataset.position, DetectPosition)


def _bytes_of_record(endings: Sequence[str]) -> float:
    packed, size = 1.0, float("inf")
    for ending in (text.lower() for text in endings):
        packed *= _PACKED.get(ending, 1.0)
        size = _BYTES.get(ending, size)
    return size / packed
