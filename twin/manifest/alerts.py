"""The thresholds that a city sets for its operators: checked against what can be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.manifest.marks import Lines
    from twin.manifest.models import DatasetSpec


def alert_faults(alerts: Mapping[str, float], datasets: Mapping[str, DatasetSpec], lines: Lines) -> list[Fault]:
    """Find thresholds of what nobody can watch.

    Parameters
    ----------
    alerts : mapping of str to float
        The ``alerts:`` of the manifest: threshold by variable, in its unit.
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        One for each variable that is none, or is no reading of congestion or of the air over time.
    """
    known = sorted(
        name
        for dataset in datasets.values()
        for name, variable in dataset.variables.items()
        if dataset.time is not None
        and variable.kind == "intensive"
        and (dataset.domain == "environment" or (variable.unit == "1" and name.endswith("ratio")))
    )
    remedy = f"name one of: {', '.join(known)}" if known else "remove it: no dataset has what operators watch"
    return [
        Fault(
            line=lines.of(("alerts", name)),
            where=f"alerts.{name}",
            found=f"{name!r}, which is no speed ratio and no reading of the environment over time",
            remedy=remedy,
        )
        for name in alerts
        if name not in known
    ]
