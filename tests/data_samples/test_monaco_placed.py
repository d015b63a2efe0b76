"""The engine against the truth of the sample: every record is placed, and as near as its sigma says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

import crs
import layers

CITY = Path(__file__).resolve().parents[2] / "data_samples" / "monaco"
DATASETS = yaml.safe_load((CITY / "city.yaml").read_text(encoding="utf-8"))["datasets"]
NOISY = {"detectors", "probes", "air_stations", "old_sites_ntf", "old_sites_lambert"}


@pytest.fixture(scope="module")
def placed() -> dict[str, object]:
    found: dict[str, object] = {}
    for name in sorted(DATASETS, key=lambda n: n == "detectors"):  # their streets first
        read = layers.read(CITY / DATASETS[name]["path"], position=DATASETS[name]["position"], name=name)
        found[name] = crs.harmonise(read, references=found)
    return found


def middles(layer) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(layer.coordinates, crs.Lattice):
        x, y = layer.coordinates.corner_x, layer.coordinates.corner_y
        centre = [(a[:-1, :-1] + a[1:, :-1] + a[:-1, 1:] + a[1:, 1:]) / 4.0 for a in (x, y)]
        valid = np.isfinite(layer.values)
        return centre[0][valid], centre[1][valid]
    points = [
        g.interpolate(0.5, normalized=True) if g.geom_type == "LineString" else g.centroid for g in layer.geometry
    ]
    return shapely.get_x(points), shapely.get_y(points)


@pytest.mark.parametrize("name", DATASETS)
def test_every_record_is_placed_where_it_truly_is(placed, name):
    layer = placed[name]
    truth = pd.read_parquet(CITY / "truth" / f"{name}.parquet")
    lon, lat = middles(layer)
    assert len(lon) == len(truth)
    error_m = crs.geodesy.distances_m(lon, lat, truth["lon"].to_numpy(), truth["lat"].to_numpy())
    if name not in NOISY:
        assert error_m.max() < 0.02
        return
    sigma_m = layer.sigma_m
    assert (sigma_m > 0).all()
    inside = (error_m <= crs.radius_95(sigma_m)).mean()
    assert 0.93 <= inside <= (0.97 if len(truth) >= 1000 else 1.0)


@pytest.mark.parametrize("name", DATASETS)
def test_nothing_is_lost(placed, name):
    ledger = placed[name].ledger
    ledger.balance()
    truth = pd.read_parquet(CITY / "truth" / f"{name}.parquet")
    assert ledger.records_in == len(truth)
    assert len(ledger.quarantined) == 0
