"""XML as it comes: nothing expanded, nothing fetched, nothing kept."""

import gzip
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.readers.xml_stream import local_name, root_name, stream_elements
from layers.sources import Source

BOMB = (
    '<!DOCTYPE a [<!ENTITY e0 "lol">'
    + "".join(f'<!ENTITY e{j} "{f"&e{i};" * 10}">' for i, j in pairwise(range(10)))
    + "]><a>&e9;</a>"
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'


def _source(path, text, *, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return Source(path, path.name)


def _read(source):
    return [local_name(element) for element in stream_elements(source, wanted=lambda path: len(path) == 2)]


@pytest.mark.parametrize("text", [BOMB, BOMB.replace("<a>&e9;", '<a b="&e9;">'), OUTSIDE])
@pytest.mark.parametrize("ask", [root_name, _read])
def test_entities_are_refused_before_they_are_expanded(tmp_path, text, ask):
    with pytest.raises(layers.FileRefusedError, match="entit"):
        ask(_source(tmp_path / "a.xml", text))


@pytest.mark.parametrize(
    "text",
    ["", "   ", "<a><b></a>", "<a><b/>", "no xml", "<a>" * 300 + "</a>" * 300, "<a>\x01</a>", "<p:a><q:b/></p:a>"],
)
def test_what_is_broken_says_so(tmp_path, text):
    with pytest.raises(layers.FileUnreadableError, match=r"a\.xml"):
        _read(_source(tmp_path / "a.xml", text))


def test_a_doctype_without_entities_is_not_fetched(tmp_path):
    source = _source(tmp_path / "a.xml", '<!DOCTYPE n SYSTEM "http://localhost:9/n.dtd"><n><link/><link/></n>')
    assert root_name(source) == "n"
    assert _read(source) == ["link", "link"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "iso-8859-1"])
def test_encodings_and_namespaces(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><p:root xmlns:p="urn:x"><p:item n="\xe9"/></p:root>'
    source = _source(tmp_path / "a.xml", text, encoding=encoding)
    assert root_name(source) == "root"
    (item,) = [e.get("n") for e in stream_elements(source, wanted=lambda path: path == ("root", "item"))]
    assert item == "\xe9"


def test_a_packed_file_is_read(tmp_path):
    path = tmp_path / "a.xml.gz"
    path.write_bytes(gzip.compress(b"<a><b/></a>"))
    assert _read(Source(path, "a.xml.gz")) == ["b"]


def test_what_was_read_is_let_go(tmp_path):
    row = "<row>" + "<cell>1234567890</cell>" * 50 + "</row>"
    source = _source(tmp_path / "a.xml", "<rows>" + row * 3_000 + "</rows>")
    held = [
        len(element.getparent()) for element in stream_elements(source, wanted=lambda path: path == ("rows", "row"))
    ]
    assert len(held) == 3_000
    assert max(held) < 100  # what one chunk of the file holds


@given(names=st.lists(st.sampled_from("abc"), max_size=30), noise=st.lists(st.sampled_from("xy"), max_size=5))
def test_wanted_elements_come_in_order_and_whole(tmp_path_factory, names, noise):
    between = "".join(f"<{n}><a/></{n}>" for n in noise)
    text = "<r>" + "".join(f"<{n} i='{i}'><a/>t</{n}>{between}" for i, n in enumerate(names)) + "</r>"
    source = _source(tmp_path_factory.mktemp("x") / "a.xml", text)
    found = [
        (local_name(e), e.get("i"), len(e))
        for e in stream_elements(source, wanted=lambda path: len(path) == 2 and path[1] in "abc")
    ]
    assert found == [(n, str(i), 1) for i, n in enumerate(names)]
