import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from tests.reference.layers_csv import read_rows

HERE = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}


def _read(path, text, *, position=HERE, **options):
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(data)
    return layers.read(path, position=position, options=layers.ReadOptions(**options))


#: Text that a table may hold: quotes, line breaks, delimiters, Chinese.
VALUES = st.text(alphabet=st.sampled_from('ab1,"\n\r 海;'), max_size=6)
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=15)


@settings(max_examples=80, deadline=None)
@given(rows=ROWS)
def test_every_text_that_a_writer_can_write_comes_back(tmp_path_factory, rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([["lon", "lat", "a", "b"], *[["7", "43", *row] for row in rows]])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    keep = {name: layers.Field(kind="text") for name in ("a", "b")}
    layer = _read(path, out.getvalue(), fields=keep)
    assert len(layer) == len(rows)
    assert [tuple(row) for row in layer.table[["a", "b"]].to_numpy()] == rows


@settings(max_examples=80, deadline=None)
@given(
    data=st.lists(
        st.sampled_from(["7,43,a\n", "7,43\n", '7,43,"x\ny"\n', "7,43,a,b\n", "\n", '7,43,""\r\n', '8,44,"p""q"\n']),
        max_size=20,
    )
)
def test_good_and_ragged_rows_are_told_apart_as_the_standard_library_sees_them(tmp_path_factory, data):
    text = "lon,lat,name\n" + "".join(data)
    _, rows = read_rows(text)
    layer = _read(tmp_path_factory.mktemp("csv") / "t.csv", text)
    good = [i for i, row in enumerate(rows) if len(row) == 3]
    assert layer.ledger.records_in == len(rows)
    assert layer.column("row").tolist() == good
    assert sorted(layer.ledger.rejected["row"]) == [i for i in range(len(rows)) if i not in good]


BROKEN = st.lists(
    st.sampled_from([b"7,43,a\n", b'7,43,"never closed\n', b"7,43,\xff\xfe\n", b"7\n", b'7,43,5" pipe\n']), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(lines=BROKEN)
def test_broken_lines_are_rejected_each_alone(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    data = b"lon,lat,name\n" + b"".join(lines)
    if sum(b"\xff" in line for line in lines) > 1:
        # In so short a file two such rows are more than a tenth.
        with pytest.raises(layers.FileUnreadableError, match="encoding"):
            _read(path, data)
        return
    layer = _read(path, data)
    sound = [i for i, line in enumerate(lines) if line in (b"7,43,a\n", b'7,43,5" pipe\n')]
    assert layer.column("row").tolist() == sound
    assert layer.ledger.rejected["row"].tolist() == [i for i in range(len(lines)) if i not in sound]


def test_two_quotes_that_never_close_do_not_swallow_the_rows_between(tmp_path):
    lines = [f"{i},43,ok\n" for i in range(100)]
    lines[10], lines[90] = '10,43,"open\n', '90,43,"open\n'
    layer = _read(tmp_path / "t.csv", "lon,lat,name\n" + "".join(lines))
    assert layer.ledger.records_in == 100
    assert layer.ledger.rejected["row"].tolist() == [10, 90]


def test_a_quote_that_never_closes_costs_its_own_line_only(tmp_path):
    lines = [f"{i},43,ok\n" for i in range(10)]
    lines[3] = '3,43,"open\n'
    layer = _read(tmp_path / "t.csv", "lon,lat,name\n" + "".join(lines))
    assert layer.ledger.records_in == 10
    assert layer.ledger.placed == 9
    entry = layer.ledger.rejected.iloc[0]
    assert (entry["row"], entry["text"]) == (3, '3,43,"open')
    assert entry["reason"].startswith("unbalanced_quote")


def test_two_corrupt_rows_are_accounted_for(tmp_path):
    layer = _read(tmp_path / "t.csv", "lon,lat,name\n7,43\n7,43,a,b,c\n")
    assert len(layer) == 0
    assert layer.ledger.rejected["reason"].tolist() == [
        "ragged_row: 2 values where the header has 3",
        "ragged_row: 5 values where the header has 3",
    ]
    assert layer.ledger.rejected["text"].tolist() == ["7,43", "7,43,a,b,c"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "latin-1"])
def test_the_stated_encoding_is_used(tmp_path, encoding):
    word = "海淀区" if encoding != "latin-1" else "Façade"
    layer = _read(tmp_path / "t.csv", f"lon,lat,name\n116,39,{word}\n".encode(encoding), encoding=encoding)
    assert layer.column("name").tolist() == [word]


def test_another_encoding_is_refused_with_the_remedy(tmp_path):
    text = "lon,lat,name\n" + "116,39,海淀区\n" * 20
    with pytest.raises(layers.FileUnreadableError, match="write encoding: gb18030"):
        _read(tmp_path / "t.csv", text.encode("gb18030"))
    with pytest.raises(layers.SchemaError, match="no encoding is called"):
        _read(tmp_path / "t.csv", text, encoding="utf-9")


def test_one_undecodable_row_among_many_is_rejected_with_its_byte(tmp_path):
    data = b"lon,lat,name\n" + b"7,43,a\n" * 30 + b"7,43,\xe9\n" + b"7,43,b\n" * 9
    layer = _read(tmp_path / "t.csv", data)
    assert (layer.ledger.placed, layer.ledger.records_in) == (39, 40)
    assert layer.ledger.rejected["row"].tolist() == [30]
    assert layer.ledger.rejected["reason"].tolist() == ["bad_encoding: byte 0xe9 at place 6 is not utf-8"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    layer = _read(tmp_path / "t.csv", b"\xef\xbb\xbflon,lat\r\n7,43\r\n")
    assert layer.table.columns.tolist() == ["lon", "lat"]


def test_names_are_made_unique_and_empty_nameless_columns_dropped(tmp_path):
    layer = _read(tmp_path / "t.csv", "lon,lat,v,v,,\n7,43,1,2,,x\n7,43,3,4,,\n")
    assert layer.table.columns.tolist() == ["lon", "lat", "v", "v_2", "column_6"]


@pytest.mark.parametrize("text", ["lon,lat", "lon,lat\n", "\n\nlon,lat\n\n"])
def test_a_table_of_only_a_header_has_no_records(tmp_path, text):
    layer = _read(tmp_path / "t.csv", text)
    assert (len(layer), layer.ledger.records_in) == (0, 0)


def test_an_empty_file_and_a_binary_one_are_refused(tmp_path):
    with pytest.raises(layers.FileUnreadableError, match="empty"):
        _read(tmp_path / "t.csv", b"")
    with pytest.raises(layers.FileRefusedError, match="zero bytes"):
        _read(tmp_path / "t.csv", b"lon,lat\n1,\0\n")
    with pytest.raises(layers.FileRefusedError, match="no text table"):
        _read(tmp_path / "t.csv", b"PK\x03\x04whatever")


def test_tabs_and_other_delimiters(tmp_path):
    assert _read(tmp_path / "t.tsv", "lon\tlat\n7\t43\n").column("lat").tolist() == [43]
    assert _read(tmp_path / "t.csv", "lon;lat\n7,5;43\n", delimiter=";").column("lon").tolist() == ["7,5"]


def test_positions_stay_as_written(tmp_path):
    text = 'id,latitude,longitude\n1,"43°44\'14.1""N","7°25\'23.2""E"\n'
    position = {"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["latitude", "longitude"]}
    layer = _read(tmp_path / "t.csv", text, position=position)
    assert [column.tolist() for column in layer.coordinates.columns] == [["43°44'14.1\"N"], ["7°25'23.2\"E"]]
    with pytest.raises(layers.LayerError, match="harmonise"):
        _ = layer.geometry


def test_ids_with_gaps_stay_whole(tmp_path):
    layer = _read(tmp_path / "t.csv", "id,v\n154,1\n,2\n", position={"register": "r", "key": "id", "columns": ["id"]})
    assert layer.coordinates.columns[0].tolist() == [154, None]


def test_a_column_of_well_known_text_gives_shapes(tmp_path):
    text = 'shape,v\n"POINT (7 43)",1\nPOINT (7,2\n,3\n"POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))",4\n'
    layer = _read(tmp_path / "t.csv", text, position="EPSG:4326", geometry="shape")
    assert layer.column("v").tolist() == [1]
    reasons = layer.ledger.quarantined["reason"].tolist()
    assert reasons[0] == "unreadable_geometry: no well-known text ('POINT (7')"
    assert reasons[1].startswith("no_geometry")
    assert reasons[2].startswith("invalid_geometry: Self-intersection")


def test_postgis_text_declares_its_frame(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('shape\n"SRID=2263;POINT (1000000 200000)"\n')
    options = layers.ReadOptions(geometry="shape")
    assert layers.read(path, options=options).position.name == "EPSG:2263"
    with pytest.raises(layers.PositionContradictionError, match="EPSG:2263"):
        layers.read(path, options=options, position="EPSG:4326")


def test_gzip_is_read_and_a_bomb_or_a_cut_stream_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    rows = b"lon,lat\n" + b"".join(f"{i},{i * i % 977}\n".encode() for i in range(1000))
    assert len(_read(path, gzip.compress(rows))) == 1000
    with pytest.raises(layers.FileUnreadableError, match="broken after"):
        _read(path, gzip.compress(rows)[:-400])
    with pytest.raises(layers.FileRefusedError, match="bomb"):
        _read(path, gzip.compress(b"0" * (80 << 20)))
    with pytest.raises(layers.LayerError):
        _read(path, b"lon,lat\n7,43\n")
