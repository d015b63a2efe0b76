"""New York from its raw files, against counts that its publisher's README states and against independent readers."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

import twin

pytestmark = [pytest.mark.nyc, pytest.mark.timeout(1500)]

# Records of each file as its own README counts them.
RECORDS = {
    "streets": 8_097 + 12_458 + 7_124 + 3_637,
    "buildings": 114_421,
    "link_speeds": 8_941 + 1_810 + 1_000,
    "monitor_sites": 56,
    "pm25_hourly": 310_545,
    "no2_2009": 910_405,
    "no2_2013": 910_405,
    "pm25_2019": 848_530,
    "taxi_zones": 263,
}


@pytest.fixture(scope="module")
def city(new_york_path):
    return twin.open(new_york_path)


def test_every_record_is_accounted_for(city):
    ledger = city.ledger()
    assert ledger["records_in"].to_dict() == RECORDS
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()


def test_what_is_set_aside_is_what_the_publisher_knows_to_be_wrong(city):
    ledger = city.ledger()
    assert ledger.loc["pm25_hourly", "quarantined"] == 6, "six readings above 500 ug/m3"
    reasons = city.quarantine("link_speeds")["reason"].str.split(":").str[0].value_counts()
    # Rows of status -101; two points without the blank between them; five links with a point that lost digits, three
    # of which lead to New Jersey and two, such as 40.76 in Brooklyn, to another place in the city.
    assert reasons.to_dict() == {"stray_vertex": 386, "unreadable": 188, "out_of_range": 140}


def test_buildings_are_where_another_program_puts_them(city, nyc_data):
    """Footprints of the City's other publication, matched by number, moved by nobody: they are in lon/lat already."""
    sample = pd.read_csv(nyc_data / "cim" / "footprints_sample_500.csv")
    sample = gpd.GeoDataFrame(sample, geometry=gpd.GeoSeries.from_wkt(sample["the_geom"], crs=4326))
    ours = city.features("buildings")
    ours = ours[~ours["BIN"].duplicated(keep=False)].set_index("BIN")
    both = sample[sample["BIN"].astype(int).isin(ours.index)]
    assert len(both) >= 50
    matched = ours.loc[both["BIN"].astype(int)].geometry.to_crs(2263)
    apart_ft = np.hypot(
        *(
            np.asarray(matched.envelope.centroid.get_coordinates())
            - np.asarray(both.geometry.to_crs(2263).envelope.centroid.get_coordinates())
        ).T
    )
    assert np.median(apart_ft) < 3.0


def test_taxi_zones_have_the_area_of_the_published_geometry(city, nyc_data):
    published = gpd.read_file(nyc_data / "zones" / "taxi_zones.shp").geometry.area.sum() * 0.09290341161  # ftUS² to m²
    ours = city.weights("taxi_zones")["support"].sum()
    assert ours == pytest.approx(published, rel=1e-3)


def test_particles_are_a_typical_day_with_variance(city):
    cube = city.cube(["pm25"], resolution=8)
    assert cube.sizes["time"] == 24
    field = cube["pm25"]
    assert float(field.min()) > 0
    assert float(field.max()) < 60
    assert bool((cube["pm25_sigma"].where(np.isfinite(field)) > 0).where(np.isfinite(field), other=True).all())


def test_raster_mean_is_kept(city, nyc_data):
    with rasterio.open(nyc_data / "environment" / "nyccas_no22009.tif") as raster:
        published = raster.read(1, masked=True)
    weights_mean = city.cube("no2_2009", resolution=7)["no2_2009"]
    assert float(published.min()) <= float(weights_mean.min())
    assert float(weights_mean.max()) <= float(published.max())
