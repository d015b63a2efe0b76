"""Reading in a child process: what it can reach, what it may take, and that nothing changes on the way back."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import layers
from layers.errors import TransferError
from layers.jail import client
from layers.jail.transfer import dump, load
from layers.readers.raster import Pixels
from layers.readers.records import Records
from tests.layers.samples.every import EVERY
from tests.reference.same_records import same_records

HOUSE = Path(__file__).parents[2]
RAW = HOUSE / "data_samples" / "monaco" / "raw"
HERE = layers.ReadOptions(limits=None)
POINTS = {"definition": "OGC:CRS84", "columns": ["lon", "lat"]}


def _there_and_back(value):
    with tempfile.TemporaryFile() as file:
        dump(value, file.fileno())
        return load(file.fileno())


def _run(script, *arguments, **options):
    """Run a script in a process of its own; returns what it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        **options,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _once(time):
    return time.replace(fold=0)


COLUMNS = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "bool": st.booleans(),
    "str": st.none() | st.text(st.characters(codec="utf-8")),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "UInt16": st.none() | st.integers(0, 2**16 - 1),
    "Float64": st.none() | st.floats(allow_nan=False),
    "boolean": st.none() | st.booleans(),
    "category": st.none() | st.sampled_from(["a", "", "é"]),
    "datetime64[ns]": st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")),
    "datetime64[ms, Europe/Monaco]": st.datetimes(pd.Timestamp("1970-01-01"), pd.Timestamp("2030-01-01")),
    "object": st.one_of(
        st.none(),
        st.text(),
        st.binary(),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.dates(),
        st.times().map(_once),
        st.datetimes().map(_once),
    ),
}


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=5))
    columns = []
    for kind in kinds:
        values = draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows))
        if kind == "object":
            held = np.empty(rows, dtype=object)
            held[:] = values
            columns.append(pd.Series(held, dtype=object))
        elif "Monaco" in kind:
            columns.append(
                pd.Series(values, dtype="datetime64[ms]").dt.tz_localize("UTC").dt.tz_convert("Europe/Monaco")
            )
        else:
            columns.append(pd.Series(values, dtype=kind))
    names = draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=3), min_size=len(kinds), max_size=len(kinds)))
    table = pd.concat(columns, axis=1).set_axis(names, axis=1) if columns else pd.DataFrame(index=range(rows))
    first = draw(st.integers(0, 3))
    index = draw(st.sampled_from([pd.RangeIndex(rows), pd.Index(np.arange(first, first + 3 * rows, 3))]))
    return table.set_axis(index)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def geometries(draw):
    made = []
    for kind in draw(
        st.lists(st.sampled_from(["point", "line", "area", "multi", "empty", "none", "mixed"]), max_size=6)
    ):
        x, y, z = draw(st.tuples(NUMBERS, NUMBERS, NUMBERS))
        deep = draw(st.booleans())
        ring = [(x, y, z), (x + 1, y, z), (x + 1, y + 1, z)]
        ring = ring if deep else [place[:2] for place in ring]
        area = shapely.Polygon(ring, [ring[::-1]] if draw(st.booleans()) else None)
        line = shapely.LineString(ring)
        made.append(
            {
                "point": shapely.Point(ring[0]),
                "line": line,
                "area": area,
                "multi": draw(st.sampled_from([shapely.MultiPolygon([area, area]), shapely.MultiLineString([line])])),
                "empty": draw(st.sampled_from([shapely.Point(), shapely.Polygon(), shapely.MultiPoint()])),
                "none": None,
                "mixed": shapely.GeometryCollection([line, area]),
            }[kind]
        )
    return np.array([*made, None], dtype=object)[:-1]


@settings(max_examples=60)
@given(table=tables(), geometry=geometries(), faults=st.lists(st.none() | st.text(), max_size=4))
def test_records_cross_unchanged(table, geometry, faults):
    records = Records(
        table=table,
        count=7,
        geometry=geometry,
        faults=np.array([*faults, None], dtype=object)[:-1],
        declared="EPSG:2154",
        nameless=frozenset({"b", "a"}),
        units={"x": "m"},
        heights=("z",),
    )
    same_records(_there_and_back(records), records)


def test_pixels_cross_unchanged():
    values = np.array([[1.5, np.nan], [np.inf, -0.0]])
    pixels = Pixels(
        values=values,
        lattice=crs.Lattice.from_affine((1, 0, 5, 0, -1, 9), (2, 2)),
        declared=None,
        variable="no2",
        unit="µg/m³",
    )
    back = _there_and_back(pixels)
    assert back.values.tobytes() == values.tobytes()  # noqa: PD011 - no pandas here
    assert back.lattice.corner_x.tolist() == pixels.lattice.corner_x.tolist()
    assert (back.declared, back.variable, back.unit) == (None, "no2", "µg/m³")
    back.values[0, 0] = 3  # noqa: PD011 - what is read may be written to, as if it had been read here
    assert values[0, 0] == 1.5


@settings(max_examples=60)
@given(noise=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=30))
def test_a_broken_answer_is_an_error_and_nothing_worse(noise):
    geometry = shapely.points(np.arange(6.0).reshape(3, 2))
    records = Records(table=pd.DataFrame({"a": ["x", None, "z"], "b": [1, 2, 3]}), count=3, geometry=geometry)
    with tempfile.TemporaryFile() as file:
        dump(records, file.fileno())
        size = os.fstat(file.fileno()).st_size
        for place, value in noise:
            os.pwrite(file.fileno(), bytes([value]), place % size)
        with contextlib.suppress(
            layers.LayerError, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError
        ):
            assert isinstance(load(file.fileno()), Records)


@pytest.mark.parametrize("sample", EVERY, ids=lambda sample: sample.file)
def test_a_jailed_reading_is_the_same(sample, tmp_path):
    sample.write(tmp_path / sample.file)
    source = layers.sources.resolve_source(tmp_path / sample.file, root=tmp_path)
    same_records(
        client.read_file(source, sample.options), client.read_file(source, replace(sample.options, limits=None))
    )


SHUT_IN = """
import json, os, socket, sqlite3, subprocess, sys
from pathlib import Path
import h5py, pyarrow, pyogrio
import numpy as np
import layers
from layers.jail.confine import confine
allowed, secret, scratch = sys.argv[1:]
pid = os.fork()
if pid == 0:
    held = confine([allowed], scratch, memory_bytes=1 << 29, processor_s=5, die_with=os.getppid())
    def by_sqlite():
        return sqlite3.connect(f"file:{secret}?mode=ro", uri=True).execute("select 1 from sqlite_master").fetchall()
    def tried(action):
        try:
            return "done" if action() is not None else "nothing"
        except Exception as error:
            return type(error).__name__
    print(json.dumps({
        "held": held,
        "allowed": tried(lambda: Path(allowed).read_bytes()),
        "secret": tried(lambda: Path(secret).read_bytes()),
        "folder": tried(lambda: os.listdir(Path(secret).parent)),
        "passwd": tried(lambda: Path("/etc/passwd").read_bytes()),
        "by_c": tried(lambda: pyarrow.OSFile(secret).read()),
        "by_gdal": tried(lambda: pyogrio.read_info(secret)),
        "by_sqlite": tried(by_sqlite),
        "by_program": tried(lambda: subprocess.run(["/bin/cat", secret], capture_output=True, check=True)),
        "write": tried(lambda: Path(allowed).write_bytes(b"x")),
        "write_beside": tried(lambda: Path(allowed + ".new").write_bytes(b"x")),
        "scratch": tried(lambda: Path(scratch, "x").write_bytes(b"x")),
        "socket": tried(lambda: socket.socket()),
        "kill": tried(lambda: os.kill(os.getppid(), 0) or 1),
        "memory": tried(lambda: np.ones(1 << 27)),
    }), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_confined_process_reaches_its_file_and_no_other(tmp_path):
    for folder in ("mine", "theirs", "scratch"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mine" / "a.csv").write_text("a\n1\n")
    secret = tmp_path / "theirs" / "secret.geojson"
    secret.write_text('{"type": "FeatureCollection", "features": []}')
    told = json.loads(_run(SHUT_IN, tmp_path / "mine" / "a.csv", secret, tmp_path / "scratch"))
    assert told.pop("allowed") == told.pop("scratch") == "done"
    kernel = any(part.startswith("landlock") for part in told.pop("held"))
    done = {what for what, came in told.items() if came == "done"}
    # Where the kernel has no Landlock only Python's own opening is guarded.
    assert done <= (set() if kernel else {"by_c", "by_gdal", "by_sqlite", "by_program", "kill", "folder"})
    assert told["memory"] == "MemoryError"
    assert (tmp_path / "mine" / "a.csv").read_text() == "a\n1\n"


@pytest.fixture
def long_file(tmp_path):
    """A file that takes seconds to read."""
    feature = '{"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}'
    path = tmp_path / "long.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [' + ",".join([feature] * 600_000) + "]}")
    return path


def test_a_file_that_takes_too_much_memory_is_refused_by_name(long_file):
    limits = layers.Limits(memory_mb=60, memory_per_byte=0)
    with pytest.raises(layers.FileRefusedError, match=r"long\.geojson: .* more than the 60 MB .*memory_mb: 120"):
        layers.read(long_file, options=layers.ReadOptions(limits=limits))


def test_a_file_that_takes_too_long_is_refused_by_name(long_file):
    limits = layers.Limits(seconds=0.1, seconds_per_mb=0)
    start = time.monotonic()
    with pytest.raises(layers.FileRefusedError, match=r"long\.geojson: .* more than the 0 s .*seconds:"):
        layers.read(long_file, options=layers.ReadOptions(limits=limits))
    assert time.monotonic() - start < 20


def test_what_a_reader_says_and_refuses_arrives(tmp_path, caplog):
    (tmp_path / "a.csv").write_bytes(b'lon,lat,note\n1,2,"two\nlines"\n')
    with caplog.at_level(logging.INFO, logger="layers"):
        layers.read(tmp_path / "a.csv", position=POINTS)
    assert "read record by record" in caplog.text
    (tmp_path / "a.geojson").write_bytes(b"{")
    with pytest.raises(layers.FileUnreadableError, match=r"a\.geojson: not JSON"):
        layers.read(tmp_path / "a.geojson")


def test_a_sibling_that_is_a_link_out_of_the_root_is_not_followed(tmp_path):
    (tmp_path / "root").mkdir()
    gpd.read_file(RAW / "quarters.geojson").to_file(tmp_path / "root" / "zones.shp")
    (tmp_path / "root" / "zones.dbf").rename(tmp_path / "zones.dbf")
    (tmp_path / "root" / "zones.dbf").symlink_to(tmp_path / "zones.dbf")
    for options in (layers.ReadOptions(), layers.ReadOptions(root=tmp_path / "root")):
        with pytest.raises(layers.LayerError, match=r"zones\.shp"):
            layers.read(tmp_path / "root" / "zones.shp", options=options)
    assert len(layers.read(tmp_path / "root" / "zones.shp", options=layers.ReadOptions(root=tmp_path))) > 0


def test_many_threads_read_at_once():
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(layers.read(RAW / "stops.geojson")))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 8
    assert len(set(counts)) == 1


def test_a_zygote_that_is_killed_is_replaced():
    before = len(layers.read(RAW / "stops.geojson"))
    os.kill(client._LINE.process.pid, signal.SIGKILL)
    client._LINE.process.wait()
    assert len(layers.read(RAW / "stops.geojson")) == before


ALIVE = """
import os, sys, layers
from layers.jail import client
layers.read(sys.argv[1])
ours = client._LINE.process.pid
pid = os.fork()
if pid == 0:
    layers.read(sys.argv[1])
    os.write(1, f"{client._LINE.process.pid} {client._LINE.scratch}\\n".encode())
    client._LINE.close()
    os._exit(0)
os.waitpid(pid, 0)
layers.read(sys.argv[1])
assert client._LINE.process.pid == ours
os.write(1, f"{ours} {client._LINE.scratch}\\n".encode())
os.kill(os.getpid(), 9)
"""


def test_nothing_is_left_where_the_parent_was_forked_and_killed():
    ran = subprocess.run(
        [sys.executable, "-c", ALIVE, RAW / "stops.geojson"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
    )
    assert ran.returncode == -9, ran.stderr
    left = lines = [line.split() for line in ran.stdout.splitlines()]
    assert len({pid for pid, _ in lines}) == 2
    limit = time.monotonic() + 20
    while left and time.monotonic() < limit:
        left = [(pid, folder) for pid, folder in lines if Path(f"/proc/{pid}").exists() or Path(folder).exists()]
        time.sleep(0.05)
    assert not left


def test_reading_here_is_a_choice(monkeypatch):
    monkeypatch.setattr(client, "_ask", lambda *_: pytest.fail("asked a zygote"))
    assert len(layers.read(RAW / "stops.geojson", options=HERE)) > 0
    monkeypatch.setenv("LAYERS_IN_PROCESS", "1")
    assert len(layers.read(RAW / "stops.geojson")) > 0


@pytest.mark.parametrize(
    "change", [{"length": 3}, {"length": 1}, {"length": -1}, {"kind": "binary"}, {"at": [None, None, None]}]
)
def test_text_of_a_child_that_does_not_fit_is_refused(change):
    with tempfile.TemporaryFile() as file:
        dump(pd.Series(["ab", "c"], dtype="str").to_frame(), file.fileno())
        file.seek(-8, os.SEEK_END)
        end = file.tell()
        length = int.from_bytes(file.read(), "little")
        file.seek(end - length)
        head = json.loads(file.read(length))
        column = head["value"]["columns"][0]["value"]
        assert column["is"] == "buffers"
        column.update(change)
        written = json.dumps(head).encode()
        file.seek(end - length)
        file.write(written + len(written).to_bytes(8, "little"))
        file.flush()
        file.truncate()
        with pytest.raises((TransferError, KeyError, ValueError)):
            load(file.fileno())
