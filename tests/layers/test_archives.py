"""Zip archives: sound ones are read as zipfile reads them, hostile ones are refused before they are unpacked."""

import io
import stat
import zipfile

import numpy as np
import pytest

import layers
from layers.archives import open_archive
from layers.sources import resolve_source

FILES = {"stops.txt": b"stop_id\nA\n", "inner/shapes.txt": bytes(range(256)) * 400, "empty.txt": b""}


def _zip(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return resolve_source(path, root=None)


def test_a_sound_archive_gives_what_was_packed(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = open_archive(_zip(tmp_path / "a.zip", FILES, method))
        assert {name: archive.read(name) for name in archive.names} == FILES
    assert archive.extract("inner/shapes.txt", tmp_path).read_bytes() == FILES["inner/shapes.txt"]
    assert (tmp_path / "shapes.txt").exists()
    with pytest.raises(layers.SchemaError, match=r"a\.zip: holds no 'trips\.txt'"):
        archive.read("trips.txt")


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:/x", "a\\..\\x"])
def test_names_that_point_out_are_refused(tmp_path, name):
    with pytest.raises(layers.FileRefusedError, match=r"a\.zip: .* points out of the archive"):
        open_archive(_zip(tmp_path / "a.zip", {name: b"x"}))


def test_links_archives_and_encrypted_entries_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(layers.FileRefusedError, match="link or a device"):
        open_archive(_zip(tmp_path / "a.zip", {link: b"/etc/passwd"}))
    with pytest.raises(layers.FileRefusedError, match="archive itself"):
        open_archive(_zip(tmp_path / "a.zip", {"inner.zip": b"PK"}))
    _zip(tmp_path / "inner", FILES)
    hidden = open_archive(_zip(tmp_path / "a.zip", {"inner.txt": (tmp_path / "inner").read_bytes()}))
    with pytest.raises(layers.FileRefusedError, match="archive itself"):
        hidden.read("inner.txt")
    data = bytearray((_zip(tmp_path / "a.zip", FILES)).path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(layers.FileRefusedError, match="encrypted"):
        open_archive(resolve_source(tmp_path / "a.zip", root=None))


def test_bombs_are_refused_unread(tmp_path):
    with pytest.raises(layers.FileRefusedError, match="bomb"):
        open_archive(_zip(tmp_path / "a.zip", {"a": bytes(70 << 20)}))
    with pytest.raises(layers.FileRefusedError, match="entries"):
        open_archive(_zip(tmp_path / "a.zip", {f"{i}": b"" for i in range(10_001)}, zipfile.ZIP_STORED))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"2")
    with pytest.raises(layers.FileRefusedError, match="same name"):
        open_archive(resolve_source(tmp_path / "a.zip", root=None))


def test_an_archive_that_holds_more_than_it_states_is_refused(tmp_path):
    source = _zip(tmp_path / "a.zip", {"a.txt": b"x" * 5000})
    data = bytearray(source.path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    source.path.write_bytes(data)
    with pytest.raises(layers.LayerError, match=r"a\.zip: 'a\.txt'"):
        open_archive(source).read("a.txt")


def test_mutated_archives_are_refused_by_name_or_read_whole(tmp_path):
    random = np.random.default_rng(6)
    sound = _zip(tmp_path / "a.zip", FILES).path.read_bytes()
    refused = 0
    read = 0
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
        if random.random() < 0.3:
            del data[random.integers(len(data)) :]
        (tmp_path / "a.zip").write_bytes(data)
        try:
            archive = open_archive(resolve_source(tmp_path / "a.zip", root=None))
            contents = [archive.read(name) for name in archive.names]
        except layers.LayerError as error:
            refused += "a.zip" in str(error)
        else:
            assert sorted(contents) == sorted(FILES.values()) or len(contents) < len(FILES)
            read += 1
    assert refused + read == 400
    assert refused > 200


def test_what_is_no_zip_is_told_by_name(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"hello")
    with pytest.raises(layers.FileRefusedError, match=r"a\.zip: is no zip"):
        open_archive(resolve_source(tmp_path / "a.zip", root=None))
    sound = io.BytesIO()
    with zipfile.ZipFile(sound, "w") as archive:
        archive.writestr("a", b"x" * 1000)
    (tmp_path / "a.zip").write_bytes(sound.getvalue()[:500])
    with pytest.raises(layers.FileUnreadableError, match=r"a\.zip: broken zip"):
        open_archive(resolve_source(tmp_path / "a.zip", root=None))
