"""What travels with every export: whose data it is, how far it may travel, and which snapshot it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twin.model import Twin

__all__ = ["Provenance", "provenance_of"]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where exported numbers come from.

    Parameters
    ----------
    city : str
        Name of the twin.
    lineage : str
        Id of the snapshot: with it, `Twin.explain` leads from a value to its source rows.
    code : str
        Hash of the code that built it.
    names : tuple of str
        Layer or variables.
    units : mapping
        By column, as far as known.
    owners, licences, levels, attributions : tuple of str
        Of all layers behind it, each once.
    modelled : bool
        Whether any of them is made up rather than measured.
    steps : tuple of str
        What was done to the positions and values.
    """

    city: str
    lineage: str
    code: str
    names: tuple[str, ...]
    units: Mapping[str, str]
    owners: tuple[str, ...]
    licences: tuple[str, ...]
    levels: tuple[str, ...]
    attributions: tuple[str, ...]
    modelled: bool
    steps: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it in JSON types.

        Returns
        -------
        dict
            By field.
        """
        tree: dict[str, Any] = json.loads(json.dumps(asdict(self), ensure_ascii=False))
        return tree


def provenance_of(city: Twin, *, layers: Sequence[str], variables: Sequence[str] = ()) -> Provenance:
    """Gather what is known of the layers behind an export.

    Parameters
    ----------
    city : Twin
        Whose they are.
    layers : sequence of str
        Layers that are exported.
    variables : sequence of str
        Variables that are exported; their layers count too.

    Returns
    -------
    Provenance
        Of all of them.
    """
    known = [city.variables[name] for name in variables]
    infos = [city.layers[name] for name in dict.fromkeys([*layers, *(one.layer for one in known)])]
    units = {one.name: one.unit for one in known}
    units |= {f"{one.name}_sigma": one.unit for one in known}
    units |= {f"{one.name}_sigma_m": "m" for one in known}
    for info in infos:
        fields = info.notes.get("fields", {})
        stated = {name: field.get("unit") for name, field in fields.items() if isinstance(field, dict)}
        units |= {name: unit for name, unit in stated.items() if unit}
    return Provenance(
        city=city.name,
        lineage=city.snapshot,
        code=city.code,
        names=(*layers, *variables),
        units={**units, "sigma_m": "m"},
        owners=tuple(dict.fromkeys(info.owner for info in infos)),
        licences=tuple(dict.fromkeys(info.licence for info in infos)),
        levels=tuple(dict.fromkeys(info.level for info in infos)),
        attributions=tuple(dict.fromkeys(info.attribution for info in infos if info.attribution)),
        modelled=any(info.modelled for info in infos),
        steps=tuple(step for info in infos for step in info.notes.get("steps", ())),
    )
