"""What a ``city.yaml`` says of positions: what they refer to, what its profile adds, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import crs
from twin.errors import Fault
from twin.manifest.files import position_files, rooted, without_files
from twin.manifest.marks import shown
from twin.manifest.models import DatasetSpec, DetectPosition, ProfileSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.manifest.marks import Lines

#: Words that say how a position is written but not in which frame: the profile adds the frame.
_WRITING = frozenset({"axes", "columns", "cut_at", "decimal", "epoch", "notation", "sigma_m", "truncated", "unit"})
_WRITING |= {"vertical"}
#: Words of the profile that hold for its own definition alone.
_WITH_DEFINITION = ("definition", "notation", "axes", "unit", "sigma_m")

Found = tuple[tuple[str, ...], str, str]
"""Where inside the dataset, what stands there, and what to write."""


def references(dataset: DatasetSpec) -> tuple[str, ...]:
    """Return the datasets that must be placed before this one.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.

    Returns
    -------
    tuple of str
        Names of datasets that its positions refer to, such as the streets of ``{along: streets}``, that show what
        they mean, or that hold the ids of its columns; what `crs` cannot read has none, which is a fault of its own.
    """
    names = list(_referred(dataset.position))
    if isinstance(dataset.position, DetectPosition):
        wanted = dataset.position.detect
        names = [] if wanted.reference is None else [wanted.reference]
        names += [name for candidate in wanted.candidates for name in _referred(candidate)]
    if dataset.evidence is not None:
        names.append(dataset.evidence.reference)
    return tuple(dict.fromkeys([*names, *field_references(dataset)]))


def field_references(dataset: DatasetSpec) -> tuple[str, ...]:
    """Return the datasets in which values of its columns must stand.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.

    Returns
    -------
    tuple of str
        Names of ``fields: {column: {references: name.column}}``, each once.
    """
    said = (field.references for field in dataset.fields.values() if field.references is not None)
    return tuple(dict.fromkeys(text.rpartition(".")[0] for text in said if "." in text))


def _referred(position: object) -> tuple[str, ...]:
    if not isinstance(position, Mapping):
        return ()
    try:
        return tuple(crs.definition(without_files(position)).references)
    except crs.CrsError:
        return ()


def _stands_on(position: object) -> bool:
    """Say whether records stand on the geometries of another dataset, which control points are not."""
    try:
        return isinstance(position, Mapping) and crs.definition(without_files(position)).reference is not None
    except crs.CrsError:
        return False


def _is_inside(root: Path, part: str) -> bool:
    full = (root / part).resolve()
    return full.is_relative_to(root) and full.is_file()


def position_faults(dataset: DatasetSpec, names: Sequence[str], root: Path | None) -> list[Found]:
    """Find what is wrong with what a dataset says of its positions.

    Parameters
    ----------
    dataset : DatasetSpec
        Its entry.
    names : sequence of str
        Names of all datasets.
    root : Path or None
        Folder that holds the data; None if it is not known.

    Returns
    -------
    list of tuple
        Where inside the dataset, what stands there, and what to write.
    """
    found: list[Found] = []
    position = dataset.position
    said: list[tuple[tuple[str, ...], object]] = [(("position",), position)] if position is not None else []
    if isinstance(position, DetectPosition):
        said = [(("position", "detect", "candidates"), one) for one in position.detect.candidates]
    for place, one in said:
        # A file that is not there, or not inside root, is a fault of its path, and is not read.
        here = root is not None and all(_is_inside(root, part) for part in position_files(one))
        try:
            meant = crs.definition(rooted(one, root) if here and root is not None else without_files(one))
        except crs.CrsError as error:
            found.append((place, shown(one), " ".join(str(error).split())))
            continue
        if meant.kind == "coordinates" and meant.references and (dataset.evidence is not None or one is not position):
            word = "evidence" if one is position else "detect"
            remedy = f"write control_points as rows or as a file: {word} does not wait for a dataset of them"
            found.append((place, f"control points of {meant.references[0]!r}", remedy))
    for other in references(dataset):
        if other not in names and other not in field_references(dataset):
            remedy = f"write the name of a dataset: {', '.join(names)}"
            shows = dataset.evidence is not None and dataset.evidence.reference == other
            found.append((("evidence",) if shows else ("position",), f"a reference to {other!r}", remedy))
    if dataset.support == "reference" and not _stands_on(position):
        remedy = "give a position {along: …} or {register: …}, or remove support"
        found.append((("support",), "'reference'", remedy))
    return [*found, *_evidence_faults(dataset)]


def _evidence_faults(dataset: DatasetSpec) -> list[Found]:
    """Find evidence and trust that have nothing to hold on to."""
    position = dataset.position
    if isinstance(position, DetectPosition):
        said = {"evidence": dataset.evidence, "trust": dataset.trust}
        remedies = {
            "evidence": "write position: {detect: {reference: …}} instead: evidence checks a declared position",
            "trust": "remove it: a position that is to be found declares nothing",
        }
        return [((word,), "beside position: detect", remedies[word]) for word, value in said.items() if value]
    if dataset.evidence is not None and isinstance(position, Mapping):
        try:
            written = crs.definition(without_files(position))
        except crs.CrsError:
            return []
        if written.kind != "coordinates" or len(written.columns) not in {0, 2}:
            remedy = "remove it: only positions in two columns of numbers, or geometries, can be checked"
            return [(("evidence",), f"evidence for {written.name}", remedy)]
    return []


def profile_position(profile: ProfileSpec) -> dict[str, Any] | None:
    """Return what positions mean where neither dataset nor file says it.

    Parameters
    ----------
    profile : ProfileSpec
        Of the city.

    Returns
    -------
    dict or None
        As a ``position:``; None if the profile names no definition.
    """
    if profile.definition is None:
        return None
    words = (*_WITH_DEFINITION, "vertical", "epoch")
    return {word: getattr(profile, word) for word in words if getattr(profile, word) is not None}


def profile_faults(profile: ProfileSpec, lines: Lines) -> list[Fault]:
    """Find what is wrong with the profile.

    Parameters
    ----------
    profile : ProfileSpec
        Of the city.
    lines : Lines
        Where entries stand.

    Returns
    -------
    list of Fault
        A definition that is none, words without one.
    """
    said = profile_position(profile)
    found = []
    if said is None:
        lone = [word for word in _WITH_DEFINITION if getattr(profile, word) is not None]
        found = [(word, shown(getattr(profile, word)), "write `definition:` too: it goes with one") for word in lone]
        said = {"definition": "OGC:CRS84"} | {
            word: getattr(profile, word) for word in ("vertical", "epoch") if getattr(profile, word) is not None
        }
    try:
        crs.definition(without_files(said))
    except crs.CrsError as error:
        found.append(("", "a profile that is no position", " ".join(str(error).split())))
    return [
        Fault(
            line=lines.of(("profile", word) if word else ("profile",)),
            where=f"profile.{word}" if word else "profile",
            found=seen,
            remedy=remedy,
        )
        for word, seen, remedy in found
    ]


def with_profile(datasets: Mapping[str, DatasetSpec], profile: ProfileSpec) -> dict[str, DatasetSpec]:
    """Let the profile say what the datasets do not.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        As written.
    profile : ProfileSpec
        Of the city.

    Returns
    -------
    dict of str to DatasetSpec
        Every dataset with its whole position; one that says nothing, and one that is to be detected, as it is.
    """
    return {
        name: dataset.model_copy(update={"position": _filled(dataset.position, profile)})
        for name, dataset in datasets.items()
    }


def _filled(position: object, profile: ProfileSpec) -> object:
    """Add the words of the profile that a position does not say itself."""
    if position is None or isinstance(position, DetectPosition):
        return position
    said: dict[str, Any] = dict(position) if isinstance(position, Mapping) else {"definition": position}
    whole = profile_position(profile)
    if whole is not None and (set(said) <= _WRITING or said.get("definition") == profile.definition):
        return {**whole, **said}
    try:
        known = crs.definition(without_files(position))
    except crs.CrsError:
        return position  # a fault of its own
    added: dict[str, Any] = {}
    if profile.vertical is not None and known.vertical is None:
        added["vertical"] = profile.vertical
    if profile.epoch is not None and known.epoch is None and known.kind == "coordinates":
        added["epoch"] = profile.epoch
    basis = said if "type" not in said else {"definition": said}  # PROJJSON
    return {**basis, **added} if added else position
