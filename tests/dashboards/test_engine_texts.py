"""Whatever the engine says on a page, it says in both languages: the code itself is walked for its words."""

import ast
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import crs
import layers
import twin.errors
from dashboards.exploring.answers import refusal
from dashboards.i18n import texts
from dashboards.i18n.engine import picture_in, reason_of, reasons, said_in, sentences
from dashboards.state import LANGUAGES

HOUSE = Path(__file__).resolve().parents[2]
# Words before a colon that are no reasons: fields of a manifest, steps of a layer, messages of an operation.
NO_REASONS = {
    *("axes", "broken", "columns", "declared", "definition", "done", "heights", "local_grid", "notation", "none"),
    *("nothing", "offset", "pieces", "position", "positions", "ratio", "read", "unit"),
}
CHINESE = re.compile("[\u4e00-\u9fff]")
# Functions whose texts reach a page.
SPEAKING = {
    "crs/detection/candidates.py": ("label",),
    "crs/detection/findings.py": ("wanting", "nowhere", "settle", "lines", "placed_line", "declared_lines"),
    "crs/detection/groups.py": ("_settle",),
    "crs/detection/indirect.py": ("_lines", "_wanting", "recognise"),
    "crs/elevations.py": ("_plan", "place_heights"),
    "crs/harmonise.py": ("_step", "_place_fields"),
    "crs/resolve.py": ("resolve_indirect",),
    "layers/reading.py": ("_overruled",),
    "twin/cube/arrays.py": ("how_spread",),
    "twin/steps/assembly.py": ("_layer",),
    "twin/steps/cells.py": ("_layer_cells", "_raster_cells"),
    "twin/detection/finding.py": ("_checked", "_without", "_turned", "_steps", "abstention"),
    "twin/steps/series.py": ("read_values", "readings_of"),
}
_MARKUP = re.compile("[<>=#]|^M")


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def written(node):
    """Texts of a piece of code, a sample value in each of their places; docstrings and what is raised left out."""
    if isinstance(node, ast.Raise):
        return
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from written(child)


def codes_of_the_engine():
    """Every code that stands before the colon of a text of the engine, raised errors left out."""
    found = set()
    for room in ("crs", "layers", "spatial_join", "twin"):
        for path in (HOUSE / room).rglob("*.py"):
            found |= {match[1] for text in written(tree_of(path)) if (match := re.match(r"([a-z_]+): ", text))}
    return found


def test_every_reason_of_the_engine_is_said_in_both_languages():
    page = (HOUSE / "docs" / "reference" / "reason-codes.md").read_text(encoding="utf-8")
    told = {
        code for row in re.findall(r"^\|((?: `[a-z_]+`,?)+) \|", page, re.MULTILINE) for code in row.split("`")[1::2]
    }
    codes = codes_of_the_engine() - NO_REASONS
    assert len(codes) > 50, "the walk found them"
    everything = codes | told | set(crs.REASON_CODES)
    assert not everything - set(reasons()), "write them into dashboards/i18n/reasons.toml"
    for code, said in reasons().items():
        assert set(said) == set(LANGUAGES), code
        assert CHINESE.search(said["zh"]), code
        assert not CHINESE.search(said["en"]), code


def test_a_reason_that_nobody_translated_shows_its_code():
    assert reason_of("of_another_day", "zh") == "of_another_day"


def test_every_error_of_a_reader_has_a_sentence():
    def below(kind):
        return {kind} | {each for child in kind.__subclasses__() for each in below(child)}

    readers = {kind.__name__ for kind in below(layers.LayerError) if kind.__module__ == "layers.errors"}
    assert len(readers) > 8
    for language in LANGUAGES:
        missing = {f"fault_{name}" for name in [*readers, crs.CrsError.__name__, twin.errors.TwinError.__name__]}
        assert not missing - set(texts(language))


def fragments_of(path, functions):
    """Runs of words in the texts of functions, as long as no value stands between them."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            for text in written(ast.Module(body=node.body, type_ignores=[])):
                yield from (part.strip(" ;:,()") for part in text.split("7"))


@pytest.mark.parametrize("path", list(SPEAKING))
def test_every_sentence_of_the_engine_has_a_form(path):
    """Each run of two words or more that a speaking function writes stands in the table."""
    functions = {node.name for node in ast.walk(tree_of(HOUSE / path)) if isinstance(node, ast.FunctionDef)}
    assert set(SPEAKING[path]) <= functions, "the walk looks at functions that there are"
    forms = [form for form, _ in sentences("zh")]
    found = {part for part in fragments_of(HOUSE / path, SPEAKING[path]) if " " in part and not _MARKUP.search(part)}
    assert found
    assert not {part for part in found if not any(part in form for form in forms)}


def test_refusals_of_questions_are_said_in_both_languages():
    forms = [form for form, _ in sentences("zh")]
    texts_of = [
        text
        for path in (HOUSE / "dashboards" / "exploring").glob("*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Raise) and node.exc is not None
        for text in written(node.exc)
    ]
    parts = {part.strip(" ;:,()") for text in texts_of for part in text.split("7")}
    found = {part for part in parts if " " in part}
    assert len(found) > 8
    assert not {part for part in found if not any(part in form for form in forms)}
    told = refusal("no layer 'moon'; ask for one of streets")
    assert told["en"] == "no layer 'moon'; ask for one of streets"
    assert re.fullmatch("没有图层 'moon'.可选.streets", told["zh"])
    odd = refusal("the sky is green")
    assert odd["zh"].startswith(texts("zh")["question_refused"]), "an untranslated refusal is a refusal still"
    assert odd["zh"].endswith("(the sky is green)")


def test_sentences_keep_their_values_and_nest():
    said = said_in(
        "position found: GCJ-02, latitude first, >99.9 % by streets, 40 positions; 40 of 41 records land in the area; "
        "log-likelihood +9.1 against chance, 97% of the records on the reference",
        "zh",
    )
    assert said.language == "zh"
    for value in ("GCJ-02", "纬度在前", ">99.9 %", "streets", "41", "40", "+9.1", "97%"):
        assert value in said.text
    assert not re.search("[a-z]{3,}", said.text.replace("streets", ""))


def test_a_sentence_with_an_unknown_part_stays_english_as_a_whole():
    known = "readings are instants"
    assert said_in(known, "zh").language == "zh"
    assert said_in(f"{known}; the sky is green", "zh").text == f"{known}; the sky is green"
    assert said_in(f"{known}; the sky is green", "zh").language == "en"
    assert said_in(known, "en").text == known


def test_both_sides_of_a_form_have_the_same_places():
    for english, told in sentences("zh"):
        assert sorted(re.findall(r"\{(\w+)\}", english)) == sorted(set(re.findall(r"\{(\w+)\}", told))), english


def test_the_picture_of_a_verdict_is_said_too():
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(114.02, 114.06, (2, 60))[0], rng.uniform(22.52, 22.56, 60)
    streets = layers.Layer.from_geopandas(
        gpd.GeoDataFrame(geometry=[shapely.LineString([(x, 22.5), (x, 22.6)]) for x in lon[:20]], crs=4326),
        name="streets",
        position="OGC:CRS84",
    )
    drawn = crs.detect((lon, lat), reference=streets, area=(113.9, 22.4, 114.2, 22.7)).picture(notes=False)
    chinese = picture_in(drawn, "zh")
    shown = " ".join(re.findall(r">([^<]+)</t", chinese))
    assert CHINESE.search(shown)
    assert not re.search(r"\b(positions|shown|named|ambiguous|unknown|first)\b", shown), shown
    assert picture_in(drawn, "en") == drawn
    assert re.sub(r">[^<]+<", "><", chinese) == re.sub(r">[^<]+<", "><", drawn), "only the words differ"
