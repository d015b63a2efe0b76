"""Two readings of a file, compared to the bit."""

import numpy as np
import pandas as pd
import shapely

__all__ = ["same_records"]


def _same_values(ours, theirs):
    assert ours.dtype == theirs.dtype
    if not isinstance(ours.dtype, np.dtype):
        pd.testing.assert_extension_array_equal(ours.array, theirs.array, check_exact=True)
    elif ours.dtype != object:
        assert np.array_equal(ours.to_numpy().view(np.uint8), theirs.to_numpy().view(np.uint8))
    else:
        assert list(map(type, ours)) == list(map(type, theirs))
        assert [repr(value) for value in ours] == [repr(value) for value in theirs]


def _same_geometry(ours, theirs):
    if ours is None or theirs is None:
        assert ours is theirs
        return
    assert ours.dtype == theirs.dtype == object
    with np.errstate(invalid="ignore"):
        one, other = (
            shapely.to_wkb(geometry, output_dimension=4, flavor="extended", include_srid=True)
            for geometry in (ours, theirs)
        )
    assert np.array_equal(one, other)


def same_records(ours, theirs):
    """Compare all that two readings hold; of rasters all that they hold, of records types and gaps too."""
    assert type(ours) is type(theirs)
    if not hasattr(ours, "table"):
        assert vars(ours)["values"].tobytes() == vars(theirs)["values"].tobytes()
        assert ours.lattice.__dask_tokenize__() == theirs.lattice.__dask_tokenize__()
        for name in vars(ours).keys() - {"values", "lattice"}:
            assert getattr(ours, name) == getattr(theirs, name)
        return
    assert (ours.packed is None) == (theirs.packed is None)
    ours, theirs = ours.with_geometry(), theirs.with_geometry()
    for name in vars(ours).keys() - {"table", "rejected", "geometry", "faults"}:
        assert getattr(ours, name) == getattr(theirs, name), name
    for one, other in ((ours.table, theirs.table), (ours.rejected, theirs.rejected)):
        assert one.index.equals(other.index)
        assert one.columns.equals(other.columns)
        for k in range(one.shape[1]):
            _same_values(one.iloc[:, k], other.iloc[:, k])
    _same_geometry(ours.geometry, theirs.geometry)
    assert (ours.faults is None) == (theirs.faults is None)
    assert ours.faults is None or ours.faults.tolist() == theirs.faults.tolist()
