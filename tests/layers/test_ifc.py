"""Building models of all schemas: placed as they say, in their own axes where they do not, and broken."""

import importlib

import ifcopenshell
import numpy as np
import pytest
import shapely

import layers
from layers.readers.ifc import read_ifc
from layers.sources import Source
from tests.layers.samples.building_models import write_ifc
from tests.layers.samples.city_blocks import BLOCKS

SCHEMAS = ["IFC2X3", "IFC4", "IFC4X3"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_products_come_to_their_place_on_the_map(tmp_path, schema):
    write_ifc(schema)(tmp_path / "a.ifc")
    layer = layers.read(tmp_path / "a.ifc")
    model = ifcopenshell.open(tmp_path / "a.ifc")
    products = [one for one in model.by_type("IfcProduct") if one.Representation is not None]
    products.sort(key=lambda one: one.id())
    assert layer.ledger.records_in == len(layer) == len(products) == 5
    assert layer.column("id").tolist() == [one.GlobalId for one in products]
    assert layer.column("name").tolist() == [block.name for block in BLOCKS]
    assert layer.column("object_type").tolist() == [one.is_a() for one in products]
    assert set(layer.column("storey")) == {"ground floor"}
    assert layer.column("Pset_WallCommon.FireRating").tolist() == ["F90", None, None, None, None]
    assert (layer.position.crs, layer.position.vertical) == ("EPSG:25832", "EPSG:7837")
    for shape, block in zip(layer.geometry, BLOCKS, strict=True):
        assert shapely.area(shapely.symmetric_difference(shape, block.base)) < 1e-3
    assert layer.column("ground_z") == pytest.approx([block.low for block in BLOCKS])
    assert layer.column("height_m") == pytest.approx([block.high - block.low for block in BLOCKS])
    assert layer.column("volume_m3") == pytest.approx([block.volume for block in BLOCKS])


def test_a_building_is_one_record_of_all_that_is_in_it(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    layer = layers.read(tmp_path / "a.ifc", options=layers.ReadOptions(layer="IfcBuilding"))
    assert layer.column("name").tolist() == ["town hall"]
    assert layer.geometry[0].area == pytest.approx(sum(block.base.area for block in BLOCKS), rel=1e-6)
    assert layer.column("volume_m3") == pytest.approx([sum(block.volume for block in BLOCKS)])
    walls = layers.read(tmp_path / "a.ifc", options=layers.ReadOptions(layer="IfcWall"))
    assert len(walls) == 4
    with pytest.raises(layers.SchemaError, match="no class 'IfcCastle'"):
        layers.read(tmp_path / "a.ifc", options=layers.ReadOptions(layer="IfcCastle"))


@pytest.mark.parametrize(("place", "told"), [("nowhere", "nothing says where"), ("site", "only IfcSite says")])
def test_a_model_without_a_place_asks_for_one(tmp_path, place, told):
    write_ifc("IFC4", place=place)(tmp_path / "a.ifc")
    with pytest.raises(layers.PositionMissingError, match=rf"(?s){told}.*Write position:"):
        layers.read(tmp_path / "a.ifc")
    layer = layers.read(tmp_path / "a.ifc", position="EPSG:25832")
    assert shapely.area(layer.geometry) == pytest.approx([block.base.area for block in BLOCKS], rel=1e-6)
    assert np.abs(shapely.bounds(layer.geometry)).max() < 200


def test_a_conversion_whose_scale_is_forgotten_is_not_believed(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    text = (tmp_path / "a.ifc").read_text()
    (tmp_path / "a.ifc").write_text(text.replace(",0.001);", ",1.);"))
    with pytest.raises(layers.PositionMissingError, match=r"scale|unit"):
        layers.read(tmp_path / "a.ifc")


def test_openings_are_no_bodies(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    text = (tmp_path / "a.ifc").read_text()
    proxy = text.index("IFCBUILDINGELEMENTPROXY(")
    (tmp_path / "a.ifc").write_text(text[:proxy] + text[proxy:].replace("BUILDINGELEMENTPROXY", "OPENINGELEMENT", 1))
    layer = layers.read(tmp_path / "a.ifc")
    assert len(layer) == 4
    assert layer.ledger.reasons()["reason"].tolist() == ["not_selected"]


def test_a_product_without_a_body_that_can_be_made_is_set_aside_alone(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    text = (tmp_path / "a.ifc").read_text()
    solid = text.index("IFCEXTRUDEDAREASOLID(")
    end = text.index(");", solid)
    high = text.rindex(",", 0, end)
    (tmp_path / "a.ifc").write_text(text[: high + 1] + "0." + text[end:])
    layer = layers.read(tmp_path / "a.ifc")
    assert layer.ledger.records_in == 5
    assert layer.column("name").tolist() == ["b1", "b2", "b3", "b4"]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_a_cut_model_is_refused(tmp_path, share):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    whole = (tmp_path / "a.ifc").read_bytes()
    (tmp_path / "a.ifc").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(layers.FileUnreadableError, match="cut off"):
        layers.read(tmp_path / "a.ifc")


def test_without_the_library_it_is_said_what_to_install(tmp_path, monkeypatch):
    def missing(name, *_):
        raise ImportError(name)

    write_ifc("IFC4")(tmp_path / "a.ifc")
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(layers.LayerError, match=r"install city-twin\[ifc\]"):
        read_ifc(Source(tmp_path / "a.ifc", "a.ifc"), layers.ReadOptions())


def test_a_product_whose_properties_are_not_there_is_set_aside_alone(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    lines = (tmp_path / "a.ifc").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if "IFCRELDEFINESBYPROPERTIES" in line)
    lines[at] = lines[at][: lines[at].rindex(",")] + ",$);"
    (tmp_path / "a.ifc").write_text("\n".join(lines))
    layer = layers.read(tmp_path / "a.ifc")
    assert layer.ledger.quarantined["reason"].str.startswith("unreadable_properties: ").tolist() == [True]
    assert len(layer) == 4
    assert layer.ledger.records_in == 5


def test_a_conversion_to_the_map_that_is_no_number_is_named(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    text = (tmp_path / "a.ifc").read_text()
    head, tail = text.split("IFCMAPCONVERSION(", 1)
    numbers, rest = tail.split(")", 1)
    parts = numbers.split(",")
    parts[4] = "#1"
    (tmp_path / "a.ifc").write_text(f"{head}IFCMAPCONVERSION({','.join(parts)}){rest}")
    with pytest.raises(
        layers.PositionMissingError, match=r"(?s)OrthogonalHeight of the map conversion is #1=.*no number"
    ):
        layers.read(tmp_path / "a.ifc")


def test_units_and_places_that_break_the_schema_are_the_files_fault(tmp_path):
    write_ifc("IFC4")(tmp_path / "a.ifc")
    text = (tmp_path / "a.ifc").read_text()
    head, tail = text.split("IFCUNITASSIGNMENT(", 1)
    (tmp_path / "a.ifc").write_text(f"{head}IFCUNITASSIGNMENT($){tail[tail.index(')') + 2 :]}")
    with pytest.raises(layers.FileUnreadableError, match="units or its place break the schema"):
        layers.read(tmp_path / "a.ifc")


def _only_a_site(path, kind):
    """Leave nothing but a site, with the first product's body, its outline or nothing as its shape."""
    write_ifc("IFC4")(path)
    model = ifcopenshell.open(str(path))
    products = [one for one in model.by_type("IfcProduct") if one.Representation is not None]
    products.sort(key=lambda one: one.id())
    site, (shape,) = model.by_type("IfcSite")[0], products[0].Representation.Representations
    if kind != "nothing":
        site.Representation, site.ObjectPlacement = products[0].Representation, products[0].ObjectPlacement
    if kind == "outline":
        shape.RepresentationIdentifier, shape.RepresentationType = "FootPrint", "Curve2D"
        shape.Items = [shape.Items[0].SweptArea.OuterCurve]
    for product in products:
        model.remove(product)
    model.write(str(path))


def test_a_site_without_a_building_is_a_record(tmp_path):
    _only_a_site(tmp_path / "a.ifc", "body")
    layer = layers.read(tmp_path / "a.ifc")
    assert layer.column("object_type").tolist() == ["IfcSite"]
    assert shapely.area(shapely.symmetric_difference(layer.geometry[0], BLOCKS[0].base)) < 1e-3


@pytest.mark.parametrize(("kind", "records"), [("outline", 1), ("nothing", 0)])
def test_a_model_without_a_body_is_refused_by_record_and_not_as_a_whole(tmp_path, kind, records):
    _only_a_site(tmp_path / "a.ifc", kind)
    layer = layers.read(tmp_path / "a.ifc")
    assert layer.position.crs == "EPSG:25832"
    assert (layer.ledger.records_in, len(layer)) == (records, 0)
    assert [why.split(":")[0] for why in layer.ledger.quarantined["reason"]] == ["unreadable_geometry"] * records
