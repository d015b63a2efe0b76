"""OpenStreetMap in parts: the same records, order, shapes and ledger as whole, and no part reads beyond its blobs."""

import contextlib
import operator
import struct
from pathlib import Path

import dask
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from osmium.osm.mutable import Node, Way

import layers
from layers import lazy
from layers.readers.osm_blobs import scan_blobs

LAYERS = ("roads", "lines", "points")


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def _blobs(path: Path) -> list[bytes]:
    data = path.read_bytes()
    with path.open("rb") as file:
        ends = scan_blobs(file, len(data), label=path.name)
    assert ends[-1] == len(data)
    return [data[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]


def _write(path: Path, entities: list[Node | Way], *, a_blob: int = 40) -> Path:
    """Let osmium write some entities at a time and put the blobs in a row: osmium alone makes blobs of 8,000."""
    row: list[bytes] = []
    piece = path.with_name("piece.osm.pbf")
    for i in range(0, len(entities), a_blob):
        with osmium.SimpleWriter(str(piece), overwrite=True) as writer:
            for entity in entities[i : i + a_blob]:
                writer.add(entity)
        row += _blobs(piece)[1:] if row else _blobs(piece)
    path.write_bytes(b"".join(row))
    return path


def _town(seed: int = 4, nodes: int = 600, ways: int = 250) -> list[Node | Way]:
    """Return streets of nodes from all over, of which some are not there, some off the globe, and ways of one node."""
    random = np.random.default_rng(seed)
    ids = np.sort(random.choice(np.arange(1, 4 * nodes), nodes, replace=False))
    out: list[Node | Way] = []
    for i in ids.tolist():
        tags = {"amenity": "cafe", "name": f"海 {i}"} if random.random() < 0.1 else {}
        lat = 143.0 if random.random() < 0.01 else round(43 + random.random(), 7)
        out.append(Node(id=i, version=1, location=(round(7 + random.random(), 7), lat), tags=tags))
    kinds = [
        {"highway": "primary"},
        {"railway": "rail"},
        {"building": "yes"},
        {"highway": "service", "area": "yes"},
        {},
    ]
    for i in range(1, ways + 1):
        chosen = random.choice(ids, random.integers(1, 9)).tolist()
        chosen += [int(ids[-1]) + 5] if random.random() < 0.05 else []
        out.append(Way(id=i, version=1, nodes=chosen, tags=kinds[random.integers(5)]))
    return out


def _taken(layer):
    return [(layer.table, layer.geometry)]


def _same_as_whole(path: Path, aside: Path, partition_mb: float, **options) -> lazy.Stream:
    options = layers.ReadOptions(**options)
    whole = layers.read(path, options=options)
    stream = lazy.read_osm(path, options=options, partition_mb=partition_mb, aside=aside)
    taken, account = stream.compute(_taken, combine=operator.add)
    table = pd.concat([part for part, _ in taken], ignore_index=True)
    pd.testing.assert_frame_equal(table, whole.table.reset_index(drop=True), check_dtype=False)
    shapes = np.concatenate([shape for _, shape in taken])
    assert shapely.to_wkb(shapes).tolist() == shapely.to_wkb(whole.geometry).tolist()
    ledger = whole.ledger
    assert (account.records_in, account.placed) == (ledger.records_in, ledger.placed)
    counts = ledger.reasons()
    assert account.reasons == {f"{fate}: {code}": n for fate, code, n in counts.itertuples(index=False)}
    kept = [pd.read_parquet(file) for file in sorted(aside.glob("*.parquet"))]
    kept = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"osm_id": [], "reason": []})
    expected = pd.concat([ledger.quarantined, ledger.rejected], ignore_index=True)
    assert sorted(zip(kept["osm_id"], kept["reason"], strict=True)) == (
        sorted(zip(expected["osm_id"].astype(str), expected["reason"], strict=True)) if len(expected) else []
    )
    return stream


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("partition_mb", [1e-6, 0.003, 10])
def test_a_town_in_parts_is_the_town(tmp_path, layer, partition_mb):
    path = _write(tmp_path / "town.osm.pbf", _town())
    stream = _same_as_whole(path, tmp_path / "aside", partition_mb, layer=layer)
    blobs = len(_blobs(path)) - 1
    assert blobs > 20
    assert len(stream.parts) == blobs if partition_mb == 1e-6 else 1 <= len(stream.parts) < blobs / 2
    assert (len(stream.parts) == 1) == (partition_mb == 10)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), a_blob=st.integers(1, 90), size=st.integers(1, 9000))
def test_any_cut_gives_the_same(tmp_path_factory, seed, a_blob, size):
    folder = tmp_path_factory.mktemp("o")
    path = _write(folder / "a.osm.pbf", _town(seed, 90, 40), a_blob=a_blob)
    _same_as_whole(path, folder / "aside", size / 1e6, tags={"highway": ("primary",), "railway": ()}, layer="lines")


@pytest.mark.parametrize("layer", LAYERS)
def test_porto_alegre_in_parts_is_porto_alegre(formats, tmp_path, layer):
    stream = _same_as_whole(formats / "transport" / "poa_osm.pbf", tmp_path, 0.1, layer=layer)
    assert len(stream.parts) > 2


def test_where_leaves_out_and_the_account_holds_it(tmp_path):
    path = _write(tmp_path / "town.osm.pbf", _town())
    _same_as_whole(path, tmp_path / "aside", 0.002, where={"highway": "service"})


def test_no_part_reads_more_than_its_blobs(tmp_path, monkeypatch):
    path = _write(tmp_path / "town.osm.pbf", _town())
    largest = max(map(len, _blobs(path)))
    header = len(_blobs(path)[0])
    lengths = []
    buffer = osmium.io.FileBuffer

    def measured(data, form):
        lengths.append(len(data))
        return buffer(data, form)

    monkeypatch.setattr(osmium.io, "FileBuffer", measured)
    stream = lazy.read_osm(path, partition_mb=0.003)
    assert lengths == []
    assert all(part.stop - part.start <= max(3000, largest) for part in stream.parts)
    stream.compute(len, combine=operator.add)
    # Once for the places of nodes, and twice for what each part holds.
    assert sorted(lengths) == sorted(3 * [header + part.stop - part.start for part in stream.parts])
    assert sum(part.stop - part.start for part in stream.parts) == path.stat().st_size - header


def test_the_index_serves_again_while_the_file_is_the_same(tmp_path, monkeypatch):
    path = _write(tmp_path / "town.osm.pbf", _town())
    stream = lazy.read_osm(path, partition_mb=0.003, index=tmp_path / "index")
    one = stream.compute(len, combine=operator.add)
    (made,) = (tmp_path / "index").iterdir()
    assert sorted(file.name for file in made.iterdir()) == ["ids", "places"]
    monkeypatch.setattr("layers.readers.osm_blobs._write", lambda *_: pytest.fail("built again"))
    assert (
        lazy.read_osm(path, partition_mb=0.001, index=tmp_path / "index").compute(len, combine=operator.add)[0]
        == one[0]
    )
    monkeypatch.undo()
    _write(path, _town(5))
    lazy.read_osm(path, index=tmp_path / "index").compute(len, combine=operator.add)
    assert len(list((tmp_path / "index").iterdir())) == 2


def test_a_temporary_index_goes_with_the_stream(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    stream = lazy.read_osm(_write(tmp_path / "town.osm.pbf", _town()))
    stream.compute(len, combine=operator.add)
    assert list((tmp_path / "scratch").iterdir())
    del stream
    assert not list((tmp_path / "scratch").iterdir())


def test_processes_find_the_same_places(tmp_path):
    path = _write(tmp_path / "town.osm.pbf", _town())
    stream = lazy.read_osm(path, partition_mb=0.003)
    count, account = stream.compute(len, combine=operator.add)
    with dask.config.set(scheduler="processes", num_workers=2):
        assert stream.compute(len, combine=operator.add) == (count, account)


@pytest.mark.parametrize("order", ["ways first", "nodes mixed", "a node twice"])
@pytest.mark.parametrize("partition_mb", [1e-6, 10])
def test_nodes_out_of_order_are_refused(tmp_path, order, partition_mb):
    nodes = [Node(id=i, version=1, location=(7.0, 43.0 + i / 1e3)) for i in range(1, 200)]
    ways = [Way(id=1, version=1, nodes=[1, 150], tags={"highway": "path"})]
    mixed = {
        "ways first": nodes[:80] + ways + nodes[80:],
        "nodes mixed": nodes[80:] + nodes[:80] + ways,
        "a node twice": nodes[:80] + nodes[79:] + ways,
    }[order]
    path = _write(tmp_path / "a.osm.pbf", mixed, a_blob=40)
    stream = lazy.read_osm(path, partition_mb=partition_mb)
    with pytest.raises(layers.FileRefusedError, match=r"a\.osm\.pbf: its nodes are not in the order.*osmium sort"):
        stream.compute(len, combine=operator.add)
    points, _ = lazy.read_osm(path, options=layers.ReadOptions(layer="points")).compute(len, combine=operator.add)
    assert points == 0


def test_a_file_without_nodes_or_without_anything(tmp_path):
    ways = [Way(id=1, version=1, nodes=[1, 150], tags={"highway": "path"})]
    path = _write(tmp_path / "a.osm.pbf", ways)
    _, account = lazy.read_osm(path).compute(len, combine=operator.add)
    assert account.reasons == {"quarantined: missing_nodes": 1}
    path.write_bytes(_blobs(path)[0])
    assert lazy.read_osm(path).compute(len, combine=operator.add) == (None, lazy.Account())


def test_areas_have_no_parts(tmp_path):
    path = _write(tmp_path / "a.osm.pbf", _town())
    with pytest.raises(layers.SchemaError, match=r"Read areas with layers\.read"):
        lazy.read_osm(path, options=layers.ReadOptions(layer="areas"))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_or_mutated_file_ends_with_an_account_or_a_typed_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("m")
    path = _write(folder / "a.osm.pbf", _town(1, 60, 20), a_blob=20)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:cut])
    else:
        path.write_bytes(whole[:cut] + data.draw(st.binary(min_size=1, max_size=9)) + whole[cut + 1 :])
    with contextlib.suppress(layers.FileRefusedError, layers.FileUnreadableError):
        _, account = lazy.read_osm(path, partition_mb=0.001).compute(len, combine=operator.add)
        assert account.records_in == account.placed + account.quarantined + account.rejected


def test_a_cut_file_says_where(tmp_path):
    path = _write(tmp_path / "a.osm.pbf", _town())
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(layers.FileUnreadableError, match="7 bytes of its last blob are missing"):
        lazy.read_osm(path)
    path.write_bytes(whole + b"garbage, garbage")
    with pytest.raises(layers.FileUnreadableError, match=f"begins at byte {len(whole):,}"):
        lazy.read_osm(path)
    huge = b"\x0a\x07OSMData\x18\x81\x80\x80\x10"
    path.write_bytes(whole + struct.pack(">I", len(huge)) + huge)
    with pytest.raises(layers.FileUnreadableError, match="33,554,433 bytes"):
        lazy.read_osm(path)
    path.write_bytes(whole)
    stream = lazy.read_osm(path)
    path.write_bytes(whole[:-7])
    with pytest.raises(layers.FileUnreadableError, match="shorter since it was opened"):
        stream.compute(len, combine=operator.add)
