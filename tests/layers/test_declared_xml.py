"""Tables out of XML that no reader knows, by declaration."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import crs
import layers
from tests.layers.samples.transport import DATEX, DATEX_TABLE


def _read(path, xml, position=None, **options):
    said = position or {"register": "sites", "key": "id", "columns": ["site"]}
    return layers.read(path, position=said, options=layers.ReadOptions(xml=xml, **options))


@pytest.fixture
def path(tmp_path):
    (tmp_path / "speeds.xml").write_text(DATEX, encoding="utf-8")
    return tmp_path / "speeds.xml"


def test_measured_data_of_datex(path):
    layer = _read(path, DATEX_TABLE, time=layers.TimeColumn(column="time", zone="UTC"))
    assert layer.column("site").tolist() == ["S1", "S1", "S2"]
    assert layer.column("index").tolist() == [1, 2, 1]
    assert np.array_equal(layer.column("speed"), [81.5, np.nan, 40], equal_nan=True)
    assert np.array_equal(layer.column("flow"), [np.nan, 1260, np.nan], equal_nan=True)
    assert layer.column("kind").tolist() == ["TrafficSpeed", "TrafficFlow", "TrafficSpeed"]
    assert layer.column("time")[0] == np.datetime64("2026-03-30T05:00")
    reasons = layer.ledger.quarantined["reason"].tolist()
    assert reasons == ["ambiguous_field: speed is '40', '41' in the element of line 26"]


def test_places_may_be_fields(tmp_path):
    text = '<sites><site id="a"><at><lat>43.73</lat><lon>7.42</lon></at></site><site id="b"/></sites>'
    (tmp_path / "sites.xml").write_text(text)
    table = layers.XmlTable(records="site", fields={"id": "@id", "lon": "at/lon", "lat": "at/lat"})
    sites = crs.harmonise(_read(tmp_path / "sites.xml", table, {"definition": "EPSG:4326", "columns": ["lon", "lat"]}))
    assert shapely.get_coordinates(sites.geometry).tolist() == [[7.42, 43.73]]
    assert sites.ledger.quarantined["reason"].str.startswith("missing").tolist() == [True]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            ("measured", {"a": "b"}),
            "no element has the path 'measured'; the file begins with 'Envelope', 'Envelope/Body'",
        ),
        (("measuredValue", {"site": "../@id"}), "goes 1 levels up, but records: measuredValue names 1"),
    ],
)
def test_what_does_not_fit_is_said(path, table, message):
    with pytest.raises(layers.SchemaError, match=message):
        _read(path, layers.XmlTable(records=table[0], fields=table[1]))


def test_without_a_declaration_the_root_is_named(path):
    with pytest.raises(layers.FileRefusedError, match=r"root <Envelope>, which no reader knows; write read: \{xml:"):
        _read(path, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (DATEX[:1500], layers.FileUnreadableError),
        (DATEX.replace("<soap", '<!DOCTYPE a [<!ENTITY x "y">]><soap', 1), layers.FileRefusedError),
        ("<a>" * 300 + "</a>" * 300, layers.FileUnreadableError),
        ("speed\n1\n", layers.FileRefusedError),
    ],
)
def test_what_is_broken_says_so(tmp_path, text, error):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(error, match=r"a\.xml"):
        _read(tmp_path / "a.xml", DATEX_TABLE)


@given(
    st.lists(
        st.tuples(st.text("abc海", max_size=3), st.lists(st.integers(0, 99), max_size=3)), min_size=1, max_size=6
    ).filter(lambda sites: any(values for _, values in sites))
)
def test_records_equal_those_of_xpath(tmp_path_factory, sites):
    text = "".join(
        f'<site id="{name}">' + "".join(f"<v><n>{value}</n></v>" for value in values) + "</site>"
        for name, values in sites
    )
    text = f'<r xmlns="urn:x">{text}</r>'
    path = tmp_path_factory.mktemp("x") / "a.xml"
    path.write_text(text, encoding="utf-8")
    table = layers.XmlTable(records="site/v", fields={"site": "../@id", "n": "n"})
    layer = _read(path, table, limits=None)
    found = etree.fromstring(text).xpath("//*[local-name()='v']")
    assert [name or None for name in (v.getparent().get("id") for v in found)] == layer.column("site").tolist()
    assert [int(v[0].text) for v in found] == layer.column("n").tolist()
