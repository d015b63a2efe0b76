"""A position that may have two origins says so from the file to the twin."""

import pytest

import crs
import twin

DANDONG = (124.38, 40.12)  # on the border river: within the band of the mask
SHENYANG = (123.43, 41.80)


@pytest.fixture
def city(tmp_path):
    lines = ["id,lon,lat"]
    for name, (lon, lat) in {"border": DANDONG, "inland": SHENYANG}.items():
        x, y = crs.transform([lon], [lat], source="EPSG:4326", target="GCJ-02")
        lines.append(f"{name},{x[0]:.7f},{y[0]:.7f}")
    (tmp_path / "poi.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "city.yaml").write_text(
        """
city: liaoning
resolution: 9
area: [120, 38, 126, 44]
clock: {typical_day: true, step: 1h, zone: Asia/Shanghai}
datasets:
  poi:
    path: poi.csv
    domain: society
    owner: map vendor
    licence: none
    level: internal
    position: {definition: GCJ-02, columns: [lon, lat], sigma_m: 2}
    show: {as: points}
""",
        encoding="utf-8",
    )
    return twin.build(tmp_path / "city.yaml", out=tmp_path / "liaoning.twin", workers=0)


def test_the_flag_and_its_sigma_reach_the_features(city):
    poi = city.features("poi").set_index("id")
    assert poi["ambiguous"].to_dict() == {"border": True, "inland": False}
    assert poi.loc["border", "sigma_m"] > 100, "its sigma reaches the other reading"
    assert 2 < poi.loc["inland", "sigma_m"] < 5
    apart_m = crs.geodesy.distances_m(
        poi.geometry.x, poi.geometry.y, [DANDONG[0], SHENYANG[0]], [DANDONG[1], SHENYANG[1]]
    )
    assert apart_m.max() < 0.1
