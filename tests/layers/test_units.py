"""Units and flags of station series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layers
import twin
from layers.units import conversion
from tests.reference.twin_cities import CITY, write_city

NO2 = {"molar_mass": 46.0055, "temperature_c": 20, "pressure_hpa": 1013.25}


@pytest.mark.parametrize(
    ("unit", "to", "value", "expected"),
    [
        ("mph", "km/h", 60, 96.56064), ("km/h", "m s-1", 36, 10), ("degF", "degC", 212, 100), ("K", "°C", 0, -273.15),
        ("mg/m3", "ug m-3", 1.5, 1500), ("μg/m³", "µg/m3", 7, 7), ("ppm", "ppb", 0.02, 20), ("1", "%", 0.25, 25),
        ("veh/h", "veh/min", 120, 2), ("hPa", "Pa", 1013.25, 101325), ("US_survey_foot", "m", 3937, 1200),
        ("kg/m^2", "g cm-2", 10, 1), ("g m-3", "kg/m3", 1000, 1),
    ],
)  # fmt: skip
def test_units_as_offices_write_them(unit, to, value, expected):
    factor, offset = conversion(unit, to)
    assert value * factor + offset == pytest.approx(expected, rel=1e-12)


def test_parts_of_air_need_a_gas_a_temperature_and_a_pressure():
    gas = layers.Gas(**NO2)
    # Directive 2008/50/EC, annex VI, and the usual tables: 1 ppb of NO2 is 1.9125 ug/m3 at 20 degC and 1013 hPa.
    assert conversion("ppb", "ug/m3", gas=gas)[0] == pytest.approx(1.9125, abs=2e-4)
    back = conversion("ug/m3", "ppb", gas=gas)[0]
    assert back * conversion("ppb", "ug/m3", gas=gas)[0] == pytest.approx(1, rel=1e-12)
    china = layers.Gas(molar_mass=48.0, temperature_c=25, pressure_hpa=1013.25)
    assert conversion("ppm", "mg/m3", gas=china)[0] == pytest.approx(1.962, abs=1e-3)
    with pytest.raises(layers.SchemaError, match="only for a stated gas, temperature and pressure: write gas:"):
        conversion("ppb", "ug/m3")


@pytest.mark.parametrize(
    ("unit", "to", "said"), [("km/h", "kg", "correct one"), ("furz", "m", "unit 'furz' is unknown")]
)
def test_what_does_not_fit_is_refused(unit, to, said):
    with pytest.raises(layers.SchemaError, match=said):
        conversion(unit, to)


@given(st.floats(-1e6, 1e6), st.sampled_from([("degC", "degF"), ("mph", "km/h"), ("hPa", "mmHg")]))
def test_there_and_back(value, units):
    there, back = conversion(*units), conversion(*reversed(units))
    assert (value * there[0] + there[1]) * back[0] + back[1] == pytest.approx(value, rel=1e-9, abs=1e-9)


ROWS = "x,y,no2,qc\n7.41,43.73,20,V\n7.42,43.73,400,V\n7.43,43.73,,E\n7.43,43.74,30,E\n7.43,43.75,31,\n"


def _read(tmp_path, **field):
    (tmp_path / "a.csv").write_text(ROWS)
    return layers.read(
        tmp_path / "a.csv",
        position={"definition": "EPSG:4326", "columns": ["x", "y"]},
        options=layers.ReadOptions(fields={"no2": layers.Field(**field)}),
    )


def test_values_are_checked_as_published_and_then_converted(tmp_path):
    layer = _read(tmp_path, unit="ppb", to="ug/m3", max=300, gas=layers.Gas(**NO2))
    assert layer.units == {"no2": "ug/m3"}
    assert np.allclose(layer.column("no2"), np.array([20, np.nan, 30, 31]) * 1.9125037, rtol=1e-4, equal_nan=True)
    assert layer.ledger.quarantined[["reason", "no2"]].to_numpy().tolist() == [
        ["out_of_range: no2 is above 300 ppb", "400"]
    ]
    assert layer.steps == ("read: no2 from ppb to ug/m3 (x 1.9125037 + 0) at 20 degC and 1013.25 hPa",)
    with pytest.raises(layers.SchemaError, match="a: column 'no2': 'ppb' becomes 'ug/m3' only for a stated gas"):
        _read(tmp_path, unit="ppb", to="ug/m3")
    with pytest.raises(layers.SchemaError, match="from which unit"):
        _read(tmp_path, to="ug/m3")


def test_values_that_are_not_vouched_for_are_set_aside(tmp_path):
    layer = _read(tmp_path, flags=layers.Flags(column="qc", good=("V",)))
    assert layer.table["no2"].tolist()[:2] == [20, 400]
    assert len(layer) == 3  # a missing value needs no flag
    assert layer.ledger.quarantined["reason"].tolist() == [
        "flagged: no2 has the flag 'E' in qc, not V", "flagged: no2 has the flag '' in qc, not V",
    ]  # fmt: skip
    with pytest.raises(layers.SchemaError, match="flags of 'no2' name the column 'flag'"):
        _read(tmp_path, flags=layers.Flags(column="flag", good=("V",)))


def test_a_manifest_says_so_too(tmp_path):
    gas = "{molar_mass: 46.0055, temperature_c: 20, pressure_hpa: 1013.25}"
    manifest = CITY.replace(
        "fields: {station: {kind: text}}",
        f"fields: {{station: {{kind: text}}, no2: {{unit: ppb, to: ug/m3, gas: {gas}}}}}",
    )
    plain = twin.build(write_city(tmp_path), out=tmp_path / "plain.twin", workers=0)
    city = twin.build(write_city(tmp_path, manifest=manifest), out=tmp_path / "tiny.twin", workers=0)
    ours, theirs = (c.cube(["no2"], resolution=11)["no2"] for c in (city, plain))
    assert float((ours / theirs).median()) == pytest.approx(1.9125037, rel=1e-4)
