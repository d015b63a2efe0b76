"""``read()``: from files to a layer, every record accounted for."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crs import Fields, PositionDefinition, vertical_definition
from layers.arrays import Texts, given_reasons, to_array
from layers.clock import resolve_end, resolve_time, time_notes
from layers.duplicates import repeated
from layers.errors import SchemaError, listed
from layers.jail.client import read_file
from layers.ledger import Ledger
from layers.model import Layer
from layers.options import ReadOptions
from layers.origin import Origin
from layers.position import contradicts, label_name, resolve_heights, resolve_position, shorten
from layers.published import Published
from layers.raster import RasterLayer
from layers.readers.raster import Pixels
from layers.readers.records import Records, concatenate_records
from layers.repairs import repair_table
from layers.rules import check_rules
from layers.schema import check_fields, infer_types
from layers.sources import Source, resolve_source
from layers.surfaces import COLUMN
from layers.units import convert_fields
from layers.validity import holds_on
from layers.wide import to_long

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from crs import Shapes
    from layers.clock import TimeColumn

__all__ = ["read", "to_layer"]

logger = logging.getLogger(__name__)


def read(
    source: str | Path | Sequence[str | Path],
    *,
    position: object = None,
    domain: str = "unspecified",
    name: str | None = None,
    origin: Origin | None = None,
    options: ReadOptions | None = None,
) -> Layer | RasterLayer:
    """Read a dataset.

    Parameters
    ----------
    source : str, pathlib.Path or sequence of them
        A file, or several of one schema: these become one layer, rows numbered on, with a column ``source_file``.
    position : PositionDefinition, str, Mapping or None
        What the positions mean; needed where the file does not say it, and compared where it does.
    domain : str
        What the dataset is about.
    name : str or None
        Name of the dataset; None: the file's.
    origin : Origin or None
        Owner, licence and level.
    options : ReadOptions or None
        How to read what the file does not say.

    Returns
    -------
    Layer or RasterLayer
        As published, with its ledger; a raster for GeoTIFF and NetCDF.

    Raises
    ------
    PositionMissingError
        If nobody says what the positions mean.
    PositionContradictionError
        If file and user say different things.
    FileRefusedError
        If a file is not what its name says, or lies outside the root.
    FileUnreadableError
        If a file is broken as a whole.
    SchemaError
        If columns or options do not fit the file.
    """
    options = options or ReadOptions()
    paths = [source] if isinstance(source, str | Path) else list(source)
    if not paths:
        raise SchemaError(f"{name or 'dataset'}: the list of files is empty; name at least one.")
    files = [resolve_source(path, root=options.root) for path in paths]
    dataset = name or files[0].path.name.split(".")[0]
    told = replace(_with_heights(options, position), unique=(), rules=(), repairs=(), known={}, valid=None)
    parts = [read_file(file, told) for file in files]  # what is done with the records is no business of a reader
    labels = _labels(files, dataset)
    if isinstance(parts[0], Pixels):
        if len(parts) > 1:
            raise SchemaError(f"{dataset}: {len(parts)} rasters; each is a dataset of its own, name them one by one.")
        layer: Layer | RasterLayer = _to_raster(
            parts[0], position=position, dataset=dataset, options=options, source=labels[0]
        )
    else:
        tables = [part for part in parts if isinstance(part, Records)]
        if options.wide is not None:
            tables = [to_long(part, options.wide, label=label) for part, label in zip(tables, labels, strict=True)]
        records = concatenate_records(tables, labels, dataset=dataset) if len(parts) > 1 else tables[0]
        counts = {label: part.count for label, part in zip(labels, tables, strict=True)}
        layer = to_layer(records, position=position, dataset=dataset, options=options, sources=counts)
    layer = replace(layer, domain=domain, origin=origin or Origin())
    logger.log(logging.INFO if all(layer.ledger.sources.values()) else logging.WARNING, "%s", layer.ledger.summary())
    return layer


def _labels(files: Sequence[Source], dataset: str) -> list[str]:
    """Name files by their last part, or as the caller did where that is not unique."""
    names = [file.path.name for file in files]
    labels = names if len(set(names)) == len(names) else [file.label for file in files]
    if len(set(labels)) != len(labels):
        raise SchemaError(
            f"{dataset}: {next(x for x in labels if labels.count(x) > 1)} is listed twice; "
            "its records would count double."
        )
    return labels


def _with_heights(options: ReadOptions, position: object) -> ReadOptions:
    """Let the given position speak for heights where the options are silent."""
    if position is None:
        return options
    given = resolve_position(position, declared=None, dataset="")
    stated = vertical_definition(given.vertical).unit if " in " in (given.vertical or "") else None
    in_metres = given.unit == "metre" and given.kind == "coordinates"
    return replace(options, height_unit=options.height_unit or stated or ("metre" if in_metres else None))


def _to_raster(pixels: Pixels, *, position: object, dataset: str, options: ReadOptions, source: str) -> RasterLayer:
    """Place a raster; infinite values are quarantined, nodata is no record."""
    definition = resolve_position(
        position,
        declared=pixels.declared,
        default=options.default_position,
        dataset=dataset,
        trust=options.trust,
    )
    values: NDArray[np.float64] = pixels.values.astype(np.float64, copy=False)  # noqa: PD011 - no pandas here
    count, rows = int(np.count_nonzero(np.isfinite(values))), np.zeros(0, dtype=np.intp)
    if count < values.size:
        wild = np.isinf(values)
        rows = np.flatnonzero(wild)
        count += len(rows)
    ledger = Ledger(dataset=dataset, sources={source: count}, placed=count)
    if len(rows):
        original = pd.DataFrame({pixels.variable: values.ravel()[rows]})
        why = np.full(len(rows), "not_finite: the value is infinite", dtype=object)
        ledger = ledger.quarantine(rows, why, original, source=source)
        values = np.where(wild, np.nan, values)
    return RasterLayer(
        name=dataset,
        values=values,
        coordinates=pixels.lattice,
        position=definition,
        ledger=ledger,
        variable=pixels.variable,
        unit=pixels.unit,
        label=None if pixels.declared is None else shorten(pixels.declared),
        steps=(*pixels.notes, *_overruled(definition, pixels.declared, options)),
    )


def _overruled(definition: PositionDefinition, label: str | None, options: ReadOptions) -> tuple[str, ...]:
    """Tell of a label that does not hold."""
    if options.trust is None or label is None or not contradicts(definition, label):
        return ()
    return (f"the file's own label, {label_name(label)}, is overruled: {definition.name} (trust: declared)",)


def _renamed(records: Records, rename: Mapping[str, str], dataset: str) -> Records:
    if not rename:
        return records
    absent = [name for name in rename if name not in records.table.columns]
    if absent:
        raise SchemaError(f"{dataset}: rename names {listed(absent)}; the file has {listed(records.table.columns)}.")
    table = records.table.rename(columns=dict(rename))
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise SchemaError(f"{dataset}: after rename two columns are called {twice[0]!r}; choose another name.")
    return replace(records, table=table, heights=tuple(rename.get(name, name) for name in records.heights))


def _left_out(table: pd.DataFrame, where: Mapping[str, object], dataset: str) -> NDArray[np.object_] | None:
    """Give the reason for each record that the stated filter leaves out; None if there is no filter."""
    if not where:
        return None
    reasons = np.full(len(table), None, dtype=object)
    for name, wanted in where.items():
        if name not in table.columns:
            raise SchemaError(f"{dataset}: where names {name!r}; the file has {listed(table.columns)}.")
        values = wanted if isinstance(wanted, tuple | list | set | frozenset) else (wanted,)
        column = table[name]
        hit = (
            column.isin(list(values))
            if pd.api.types.is_numeric_dtype(column)
            else column.astype("str").isin([str(value) for value in values])
        )
        reasons[~hit.to_numpy(dtype=bool)] = f"not_selected: {name} is not {' or '.join(map(str, values))}"
    return reasons


def _fields(table: pd.DataFrame, position: PositionDefinition, dataset: str) -> Fields:
    """Take the position columns as they are written."""
    if not position.columns:
        said = (
            "{detect: {columns: [x, y]}}"
            if position.crs is None
            else f"{{definition: {position.name}, columns: [x, y]}}"
        )
        raise SchemaError(
            f"{dataset}: a table needs to know which columns hold the position ({position.name}); it has "
            f"{listed(table.columns)}. Write position: {said} with two of them."
        )
    absent = [name for name in position.columns if name not in table.columns]
    if absent:
        raise SchemaError(
            f"{dataset}: position names {listed(absent)}; the table has {listed(table.columns)}. Correct columns:."
        )
    columns = [table[name] for name in position.columns]
    if all(isinstance(values.dtype, pd.StringDtype) for values in columns):
        return Fields.deferred(Texts(tuple(columns)))
    return Fields(tuple(map(_as_written, columns)))


def _as_written(values: pd.Series) -> NDArray[np.generic]:
    """Keep whole numbers whole even where some are missing: they may be ids."""
    if values.dtype == pd.Int64Dtype():
        return values.astype(object).where(values.notna(), None).to_numpy(dtype=object)
    return to_array(values)


def _merge(first: NDArray[np.object_], *reasons: NDArray[np.object_] | None) -> NDArray[np.object_]:
    """Join what several checks found on each record."""
    given = [first, *(part for part in reasons if part is not None)]
    merged = given[0].copy() if len(given) > 1 else first
    for part in given[1:]:
        for i in np.flatnonzero(given_reasons(part)):
            merged[i] = part[i] if merged[i] is None else f"{merged[i]}; {part[i]}"
    return merged


def _start_ledger(records: Records, dataset: str, sources: Mapping[str, int]) -> Ledger:
    """Open the account: everything that could be read counts as placed until a check says otherwise."""
    ledger = Ledger(dataset=dataset, sources=dict(sources), placed=records.count)
    bad = records.rejected
    if not len(bad):
        return ledger
    source = bad["source_file"].to_numpy(dtype=object) if "source_file" in bad else next(iter(sources))
    return ledger.reject(bad["row"].to_numpy(), bad["reason"].to_numpy(), bad[["text"]], source=source)


def _with_time(
    table: pd.DataFrame, written: pd.DataFrame, clock: TimeColumn | None, dataset: str
) -> tuple[pd.DataFrame, NDArray[np.object_] | None, tuple[str, ...]]:
    """Add the instants, why some are none, and what was decided about them."""
    if clock is None:
        return table, None, ()
    for name in filter(None, (clock.column, clock.end)):
        if name not in written:
            raise SchemaError(f"{dataset}: time names {name!r}; the file has {listed(written.columns)}.")
    time, reasons = resolve_time(written[clock.column], clock)
    table = table.assign(time=time)
    notes = time_notes(written[clock.column], clock)
    if clock.end is not None:
        end, wrong = resolve_end(written[clock.end], clock, start=time)
        table, reasons = table.assign(time_end=end), _merge(reasons, wrong)
    return table, reasons, notes


def to_layer(
    records: Records, *, position: object, dataset: str, options: ReadOptions, sources: Mapping[str, int]
) -> Layer:
    """Type, repair and check the records of a dataset.

    Parameters
    ----------
    records : Records
        As they came.
    position : object
        What their positions mean, as in `read`.
    dataset : str
        Name of the dataset.
    options : ReadOptions
        What is asked of them.
    sources : Mapping of str to int
        Records that each file held.

    Returns
    -------
    Layer
        With its ledger.
    """
    records = _renamed(records, options.rename, dataset)
    written = records.table.rename_axis(index="row")
    hint = records.hint if records.has_geometry else f" Its columns are {listed(written.columns)}."
    definition = resolve_position(
        position,
        declared=records.declared,
        default=options.default_position or records.default,
        dataset=dataset,
        column_hint=hint,
        trust=options.trust,
    )
    if records.heights or records.has_heights:
        definition = resolve_heights(
            definition,
            vertical=options.vertical,
            unit="metre" if records.heights else options.height_unit,
            columns=records.heights,
            dataset=dataset,
        )
    repaired = repair_table(written, options.repairs, options.fields)
    table = mended = repaired.table
    if records.text:
        keep = frozenset(name for name, rule in options.fields.items() if rule.kind in {"text", "category"})
        table = infer_types(mended.drop(columns="source_file", errors="ignore"), keep=keep)
        table = table if "source_file" not in mended else table.assign(source_file=mended["source_file"])
    table, wrong = check_fields(table, options.fields, dataset=dataset, unique=options.unique, known=options.known)
    shapes = records.shapes()
    coordinates = (
        shapes
        if shapes is not None and definition.kind == "coordinates"
        # Numbers as text keep the zeros at their end, which say how finely they were written.
        else _fields(mended if definition.kind == "coordinates" else table, definition, dataset)
    )
    table, untimed, timed = _with_time(table, mended, options.time, dataset)
    table, units, converted = convert_fields(table, options.fields, dataset=dataset)
    left_out, conflicting = _unwanted(mended, shapes, options, dataset)
    layer = Layer(
        name=dataset,
        # Beside what was published: the ledger writes records out as text, and this is none.
        table=(table if records.surfaces is None else table.assign(**{COLUMN: records.surfaces})).rename_axis(
            index="row"
        ),
        position=definition,
        coordinates=coordinates,
        ledger=_start_ledger(records, dataset, sources),
        units={**records.units, **units},
        label=None if records.declared is None else shorten(records.declared),
        steps=(*records.notes, *converted, *timed, *_overruled(definition, records.declared, options)),
        repairs=repaired.log,
        published=Published(table=written, shapes=shapes),
    )
    doubtful = repaired.doubtful if options.repairs else None
    return _checked(layer, left_out, _merge(wrong, untimed, records.faults, doubtful, conflicting), options)


def _unwanted(
    mended: pd.DataFrame, shapes: Shapes | None, options: ReadOptions, dataset: str
) -> tuple[NDArray[np.object_] | None, NDArray[np.object_] | None]:
    """Give what is left out as not selected, not valid or said before, and what contradicts another record."""
    left_out, conflicting = _left_out(mended, options.where, dataset), None
    if options.valid is not None:
        gone, undated = holds_on(mended, options.valid, dataset=dataset)
        left_out, conflicting = _merge(gone, left_out), undated
    for repair in (repair for repair in options.repairs if repair.rule == "deduplicate"):
        same, differing = repeated(mended, None if shapes is None else shapes.geometry, repair)
        left_out, conflicting = _merge(same, left_out), _merge(differing, conflicting)
    return left_out, conflicting


def _checked(
    layer: Layer, left_out: NDArray[np.object_] | None, reasons: NDArray[np.object_], options: ReadOptions
) -> Layer:
    """Set aside what is left out and what is wrong, and then what breaks a rule between columns."""
    if left_out is not None:
        out = given_reasons(left_out)
        layer, reasons = layer.set_aside(out, left_out, fate="rejected"), reasons[~out]
    layer = layer.set_aside(given_reasons(reasons), reasons, fate="quarantined")
    return check_rules(layer, options.rules, of_geometry=False)
