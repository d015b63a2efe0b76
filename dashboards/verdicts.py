"""Verdicts on positions and diagnoses of files, as plain values in the visitor's language."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dashboards.i18n import number, texts
from dashboards.i18n.engine import picture_in, reason_of, said_in
from twin.detection.diagnosis import Diagnosis

if TYPE_CHECKING:
    from twin.catalogue import LayerInfo

_SHOWN_CANDIDATES = 6


def to_verdict(info: "LayerInfo", language: str, *, reference: str) -> dict[str, Any] | None:
    """Describe what the evidence said of the positions of a layer.

    Parameters
    ----------
    info : LayerInfo
        The layer.
    language : str
        Of every text.
    reference : str
        Title of what the positions were held against.

    Returns
    -------
    dict or None
        None if nothing was asked.
    """
    evidence = info.evidence
    if not evidence:
        return None
    outcome = evidence.get("outcome") or info.status
    return {
        "headline": texts(language)[f"verdict_{outcome}"].format(reference=reference),
        "candidates": _weighed(candidates_of(evidence)[:_SHOWN_CANDIDATES], language),
        "settle": [said_in(str(text), language).to_json() for text in evidence.get("settle", ())],
        "pictured": bool(evidence.get("reference")) and "by" not in evidence,
    }


def _weighed(candidates: Iterable[tuple[str, float]], language: str) -> list[dict[str, Any]]:
    return [
        {"label": said_in(label, language).text, "share": share, "text": to_percent(share)}
        for label, share in candidates
    ]


def to_percent(share: float) -> str:
    """Write a probability so that nothing that is possible reads as impossible, and nothing as certain that is not.

    Parameters
    ----------
    share : float
        0 to 1.

    Returns
    -------
    str
        To a tenth of a percent.

    Examples
    --------
    >>> to_percent(1e-60), to_percent(0.99999), to_percent(0.5)
    ('< 0.1 %', '> 99.9 %', '50.0 %')
    """
    if share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.999 else f"{100 * share:.1f} %"


def candidates_of(evidence: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Give the definitions that were weighed.

    Parameters
    ----------
    evidence : Mapping
        Of a layer.

    Returns
    -------
    list of (str, float)
        Name and probability; of a file of several definitions the part of the records that each has.
    """
    if "components" in evidence:  # A file of two definitions: each with its part of the records.
        return [(str(each["label"]), each["records"] / (evidence["records"] or 1)) for each in evidence["components"]]
    return [(str(each["label"]), float(each["probability"])) for each in evidence.get("candidates", ())]


def to_report(found: Diagnosis, name: str, language: str) -> dict[str, Any]:
    """Describe a diagnosis to whoever dropped the file.

    Parameters
    ----------
    found : Diagnosis
        What was found.
    name : str
        Name of the file, as the visitor's machine has it.
    language : str
        Of every text.

    Returns
    -------
    dict
        Plain JSON values.
    """
    words = texts(language)
    read = found.outcome != "unreadable"
    facts = [
        [words["file_format"], f"{words['family_' + found.family]} ({found.ending})" if found.family else ""],
        [words["file_records"], number(found.records) if read else ""],
        [words["file_columns"], ", ".join(found.columns)],
        [words["position"], found.position],
        [words["position_columns"], ", ".join(found.position_columns)],
    ]
    total = found.placed + found.quarantined + found.rejected
    counts = {key: number(getattr(found, key)) for key in ("placed", "quarantined", "rejected")}
    return {
        "name": name,
        "outcome": found.outcome,
        "headline": words[f"diagnosis_{found.outcome}"],
        "facts": [fact for fact in facts if fact[1]],
        "candidates": _weighed(found.candidates, language),
        "settle": [said_in(text, language).to_json() for text in found.settle],
        "ledger": words["flow_label"].format(records=number(total), **counts) if total else "",
        "reasons": [[code, reason_of(code, language), number(count)] for code, count in found.reasons.items()],
        "fault": next((words[f"fault_{kind}"] for kind in found.fault_kinds if f"fault_{kind}" in words), ""),
        "original": found.fault,
        "picture": picture_in(found.picture, language),
    }
