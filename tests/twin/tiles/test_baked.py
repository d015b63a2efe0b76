"""Tiles that are made with the twin: once each, within a size, whole or made again, and gone with their snapshot."""

import gzip
import json
import shutil
from hashlib import sha256
from itertools import islice

import pytest
from typer.testing import CliRunner

import twin
from tests.dashboards.fake_city import FakeCity
from tests.reference.twin_cities import write_city
from twin.cli import app
from twin.commands.tiles import bake
from twin.errors import TwinError
from twin.tiles import TileSource
from twin.tiles.baked import files_of_tiles


@pytest.fixture(scope="module")
def city():
    return FakeCity(blocks=3)


@pytest.fixture
def stored(tiny, tmp_path):
    """A twin with all its tiles."""
    path = shutil.copytree(tiny.path, tmp_path / "c.twin")
    assert bake(path).tiles > 0
    return path


def objects(folder):
    return sorted(folder.glob("objects/*/*.gz"))


def test_what_is_baked_is_what_would_be_made(city, tmp_path, monkeypatch):
    fresh, baking = TileSource(city), TileSource(city, folder=tmp_path)
    baked = baking.bake()
    expected = {address: fresh.answer(address) for address in fresh.addresses()}
    assert baked.tiles == baked.made == len(expected)
    served = TileSource(city, folder=tmp_path)
    monkeypatch.setattr("twin.tiles.sets.to_tile", lambda *_tile, **_more: pytest.fail("made once more"))
    assert {address: served.answer(address) for address in expected} == expected
    assert baked.size == sum(path.stat().st_size for path in objects(tmp_path))
    assert len(objects(tmp_path)) == len(set(expected.values())), "equal tiles are one file"
    assert served.bake().made == 0


def test_a_size_is_kept_and_the_farthest_zooms_come_first(city, tmp_path):
    whole = TileSource(city, folder=tmp_path / "whole")
    most = whole.bake().size // 2
    source = TileSource(city, folder=tmp_path / "half")
    baked = source.bake(most_bytes=most)
    assert 0 < baked.size <= most
    assert baked.size == sum(path.stat().st_size for path in objects(tmp_path / "half"))
    zooms = [int(address.split("/")[2]) for address in source.addresses()]
    assert zooms == sorted(zooms)
    assert all(source.baked.get(address) for address in list(source.addresses())[: baked.tiles])


def test_a_damaged_tile_or_list_is_told_and_made_again(stored):
    city = twin.open(stored)
    assert city.verify() == []
    source = TileSource(city, folder=stored / "tiles")
    expected = {address: source.answer(address) for address in islice(source.addresses(), 3)}
    victim, lost = (
        stored.glob(f"tiles/objects/*/{sha256(packed).hexdigest()}.gz") for packed in list(expected.values())[:2]
    )
    next(victim).write_bytes(gzip.compress(b"another tile"))
    next(lost).unlink()
    faults = city.verify()
    assert len(faults) >= 2
    assert all("missing or damaged" in fault and "twin tiles" in fault for fault in faults)
    with pytest.raises(twin.StoreDamagedError, match="missing or damaged"):
        twin.backup(stored, stored.with_suffix(".tar"))
    again = TileSource(city, folder=stored / "tiles")
    assert {address: again.answer(address) for address in expected} == expected
    assert again.bake().made >= 2
    assert city.verify() == []
    (index,) = stored.glob("tiles/*/*/baked.json")
    told = json.loads(index.read_bytes())
    told["tiles"].popitem()
    index.write_text(json.dumps(told))
    assert ["damaged" in fault for fault in city.verify()] == [True]
    assert len(TileSource(city, folder=stored / "tiles").baked) == 0
    bake(stored)
    assert city.verify() == []


def test_a_list_cannot_name_a_file_elsewhere(stored):
    bake(stored)
    (index,) = stored.glob("tiles/*/*/baked.json")
    digests = {"cells/0/0/0": "../../../secret"}
    lines = "".join(f"{address} {digest}\n" for address, digest in digests.items())
    index.write_text(json.dumps({"sha256": sha256(lines.encode()).hexdigest(), "tiles": digests}))
    assert files_of_tiles(stored, [twin.open(stored).snapshot]) == [index]
    bake(stored)


def test_tiles_are_in_a_backup_and_go_with_their_snapshot(stored, tmp_path):
    snapshot = twin.open(stored).snapshot
    kept = files_of_tiles(stored, [snapshot])
    twin.backup(stored, tmp_path / "kept.tar")
    twin.restore(tmp_path / "kept.tar", tmp_path / "back.twin")
    back = tmp_path / "back.twin"
    assert [path.relative_to(back) for path in files_of_tiles(back, [snapshot])] == [
        path.relative_to(stored) for path in kept
    ]
    assert bake(back).made == 0, "what came back is what was saved"
    shutil.rmtree(stored / "tiles" / snapshot)  # As `twin gc` does with a snapshot that it removes.
    assert twin.collect_garbage(stored).leftovers == len(objects(back / "tiles"))
    assert objects(stored / "tiles") == []


def test_a_build_makes_the_tiles_of_the_far_zooms(tmp_path):
    out = tmp_path / "c.twin"
    command = ["build", str(write_city(tmp_path)), "--out", str(out), "--workers", "0", "--json"]
    assert CliRunner().invoke(app, [*command, "--tiles-mb", "0"]).exit_code == 0
    assert not (out / "tiles").exists()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert objects(out / "tiles")
    city = twin.open(out)
    assert len(TileSource(city, folder=out / "tiles").baked) > 0
    assert city.verify() == []


def test_without_a_folder_nothing_is_baked(city):
    with pytest.raises(TwinError, match="folder"):
        TileSource(city).bake()
