"""The store: nothing half, nothing silently wrong."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import twin
from twin import store
from twin.cube.chunks import write_arrays
from twin.storage.snapshot import Snapshot, open_snapshot
from twin.store import SnapshotWriter, faults_of, new_folder, write_bytes, write_table

CELLS = np.arange(1, 101, dtype=np.uint64)


def published(path, number=1):
    writer = SnapshotWriter(path)
    values = np.sqrt(np.arange(100.0) + number)[:, None] * np.ones(3)
    write_table(
        writer.folder / "weights" / "a.parquet",
        pd.DataFrame({"row": np.arange(500), "share": np.linspace(0, number, 500)}),
    )
    write_arrays(writer.folder / "cube.zarr" / "v", {"cell": CELLS, "value": values}, attributes={"units": "m"})
    return writer.publish({"city": "c", "number": number})


def test_what_is_written_is_read(tmp_path):
    snapshot = Snapshot(tmp_path / "snapshots" / published(tmp_path))
    arrays = snapshot.arrays("v", ("cell", "value", "support"))
    assert set(arrays) == {"cell", "value"}
    np.testing.assert_array_equal(arrays["cell"], CELLS)
    np.testing.assert_array_equal(arrays["value"][:, 0], np.sqrt(np.arange(100.0) + 1))
    assert snapshot.table("weights/a.parquet", columns=["share"]).num_rows == 500
    assert snapshot.faults() == []


def test_equal_content_has_equal_ids_and_other_content_others(tmp_path):
    first = published(tmp_path / "a")
    assert published(tmp_path / "b") == first
    assert published(tmp_path / "c", number=2) != first


def test_a_reader_keeps_its_snapshot_while_a_new_one_is_published(tmp_path):
    published(tmp_path)
    reader = open_snapshot(tmp_path)
    second = published(tmp_path, number=2)
    assert reader.arrays("v", ("value",))["value"][0, 0] == 1.0
    assert open_snapshot(tmp_path).id == second
    assert open_snapshot(tmp_path, snapshot=reader.id).id == reader.id


def test_bit_flips_are_found_on_read_and_by_verify(tmp_path):
    place = tmp_path / "snapshots" / published(tmp_path)
    files = [path for path in sorted(place.rglob("*")) if path.is_file() and path.stat().st_size]
    rng = np.random.default_rng(5)
    for turn in range(120):
        path = files[turn % len(files)]
        whole = path.read_bytes()
        bit = int(rng.integers(len(whole) * 8))
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(broken)
        assert any(path.relative_to(place).as_posix() in fault for fault in faults_of(place)), path
        with pytest.raises(twin.StoreDamagedError):
            read_everything(place)
        path.write_bytes(whole)
    read_everything(place)


def read_everything(place):
    snapshot = Snapshot(place)
    snapshot.table("weights/a.parquet")
    snapshot.arrays("v", ("cell", "value"))


def test_missing_and_foreign_files_are_found(tmp_path):
    place = tmp_path / "snapshots" / published(tmp_path)
    (place / "foreign").write_text("x")
    (place / "weights" / "a.parquet").unlink()
    assert sorted(faults_of(place)) == ["foreign: not listed in the manifest", "weights/a.parquet: missing"]
    with pytest.raises(twin.StoreDamagedError, match="twin build"):
        Snapshot(place).table("weights/a.parquet")


def test_a_damaged_snapshot_is_replaced_by_publishing_it_again(tmp_path):
    place = tmp_path / "snapshots" / published(tmp_path)
    (place / "weights" / "a.parquet").write_bytes(b"")
    published(tmp_path)
    assert faults_of(place) == []


def publish_until(path, stop):
    """Publish in a child that dies at its stop-th touch of the disk; return how it ended and how often it touched."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        touched = 0

        def mortal(call):
            def touch(*arguments, **options):
                nonlocal touched
                touched += 1
                if touched == stop:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **options)

            return touch

        for name in ("replace", "write_bytes", "mkdir"):
            setattr(Path, name, mortal(getattr(Path, name)))
        store._sync = mortal(store._sync)
        published(path, number=2)
        os.write(sender, str(touched).encode())
        os._exit(0)
    os.close(sender)
    _, status = os.waitpid(child, 0)
    with os.fdopen(receiver) as pipe:
        return status, pipe.read()


def test_a_killed_writer_leaves_the_former_snapshot_or_the_new_one(tmp_path):
    before = published(tmp_path / "sample")
    status, touched = publish_until(tmp_path / "sample", 0)
    assert status == 0
    after = open_snapshot(tmp_path / "sample").id
    seen = []
    for stop in np.unique(np.linspace(1, int(touched), 16).astype(int)).tolist():
        place = tmp_path / f"t{stop}"
        published(place)
        status, _ = publish_until(place, stop)
        assert os.WTERMSIG(status) == signal.SIGKILL
        found = open_snapshot(place)
        assert found.faults() == []
        seen.append(found.id)
        assert published(place, number=2) == after  # what was left is not in the way of the next writer
    assert set(seen) == {before, after}
    assert seen == sorted(seen, key=[before, after].index)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "a") as folder:
        (folder / "x" / "y").write_text("no such folder")
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("whole")
    with new_folder(tmp_path / "a") as folder:
        (folder / "y").write_text("newer")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["y"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("content", [b"", b"nothing\n", b"../x\n", b"\xff\xfe"])
def test_a_pointer_to_nowhere_is_said(tmp_path, content):
    write_bytes(tmp_path / "CURRENT", content)
    (tmp_path / "x").mkdir()
    with pytest.raises(twin.StoreDamagedError, match="twin build"):  # its exit code is that of broken stores
        twin.open(tmp_path)


def test_no_twin_is_said(tmp_path):
    with pytest.raises(twin.TwinNotFoundError, match="twin build"):
        twin.open(tmp_path)


def test_parquet_pages_carry_checksums(tmp_path):
    place = tmp_path / "snapshots" / published(tmp_path)
    content = (place / "weights" / "a.parquet").read_bytes()
    assert json.loads((place / "manifest.json").read_bytes())["files"]["weights/a.parquet"]["bytes"] == len(content)
    broken = bytearray(content)
    broken[200] ^= 1
    (tmp_path / "b.parquet").write_bytes(broken)
    with pytest.raises(OSError, match=r"(?i)crc|checksum|corrupt"):
        pq.read_table(tmp_path / "b.parquet", page_checksum_verification=True)
