import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.ledger import Ledger


def _account(fates: list[str]) -> Ledger:
    """Send each record where the list says."""
    ledger = Ledger(dataset="d", sources={"f": len(fates)}, placed=len(fates))
    frame = pd.DataFrame({"value": np.arange(len(fates)) / 4})
    for fate in ("quarantined", "rejected"):
        rows = np.flatnonzero([word == fate for word in fates])
        enter = ledger.quarantine if fate == "quarantined" else ledger.reject
        ledger = enter(rows, np.full(len(rows), f"why_{fate}: so", dtype=object), frame.iloc[rows], source="f")
    return ledger


FATES = st.lists(st.sampled_from(["placed", "quarantined", "rejected"]), max_size=30)


@given(FATES, FATES)
def test_every_record_is_counted_once_also_over_two_files(first, second):
    merged = _account(first).merge(_account(second))
    fates = first + second
    assert merged.records_in == len(fates)
    assert merged.placed == fates.count("placed")
    assert merged.quarantined["row"].tolist() == [i for i, fate in enumerate(fates) if fate == "quarantined"]
    assert merged.rejected["row"].tolist() == [i for i, fate in enumerate(fates) if fate == "rejected"]
    counts = {(r.fate, r.reason): r.records for r in merged.reasons().itertuples()}
    assert counts.get(("quarantined", "why_quarantined"), 0) == fates.count("quarantined")
    assert counts.get(("rejected", "why_rejected"), 0) == fates.count("rejected")


def test_a_ledger_that_does_not_close_cannot_be_made():
    with pytest.raises(layers.LedgerError, match="3 records in, but 2 placed"):
        Ledger(dataset="d", sources={"f": 3}, placed=2)


def test_a_row_cannot_be_entered_twice():
    ledger = Ledger(dataset="d", sources={"f": 3}, placed=3)
    rows = np.array([1, 1])
    with pytest.raises(layers.LedgerError, match="row 1 is entered twice"):
        ledger.quarantine(rows, np.array(["a", "b"], dtype=object), pd.DataFrame({"v": [1, 2]}), source="f")


def test_quarantine_keeps_the_original_text_and_where_it_came_from():
    ledger = Ledger(dataset="d", sources={"f.csv": 2}, placed=2)
    original = pd.DataFrame({"speed": ["fast", ""], "reason": ["mine", None]})
    kept = ledger.quarantine(
        np.array([7, 9]), np.array(["x: 1", "y: 2"], dtype=object), original, source="f.csv"
    ).quarantined
    assert kept.columns.tolist() == ["row", "source", "reason", "speed", "reason_"]
    assert kept["speed"].tolist() == ["fast", ""]
    assert kept["reason_"].tolist() == ["mine", None]
    assert kept["source"].tolist() == ["f.csv", "f.csv"]


def test_the_summary_is_a_sentence_with_counts_and_reasons():
    assert _account(["placed", "quarantined", "rejected", "quarantined"]).summary() == (
        "d: 4 in = 1 placed + 2 quarantined + 1 rejected (why_quarantined 2, why_rejected 1)"
    )
