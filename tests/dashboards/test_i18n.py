import re
import string
from pathlib import Path

import pytest

import dashboards
from dashboards.errors import LanguageMissingError
from dashboards.i18n import number, plain_title, texts, title_of, unit_of
from dashboards.state import LANGUAGES

# Keys that code puts together from a word of its own and a name.
_COMPOSED = tuple(
    f"{word}_"
    for word in (
        *("level", "theme", "view", "part", "worse", "trust", "status", "measure", "fate"),
        *("domain", "doubt", "palette", "verdict", "diagnosis", "family", "tool", "shape", "region", "fault"),
    )
)
HOUSE = Path(dashboards.__file__).parent


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_language_says_the_same_things():
    catalogues = [texts(language) for language in LANGUAGES]
    for catalogue in catalogues[1:]:
        assert catalogue.keys() == catalogues[0].keys()
        for key, text in catalogue.items():
            assert text.strip()
            assert placeholders(text) == placeholders(catalogues[0][key]), key


def test_no_english_is_left_in_chinese():
    allowed = {"WebGL", "r", "CSV", "MB"}
    for key, text in texts("zh").items():
        words = set(re.findall(r"[A-Za-z]+", re.sub(r"\{.*?\}|`.*?`", "", text)))
        assert words <= allowed, (key, words)


def test_every_text_is_used_and_every_used_text_exists():
    code = "\n".join(p.read_text(encoding="utf-8") for p in HOUSE.rglob("*") if p.suffix in {".py", ".js", ".html"})
    known = set(texts("en"))
    unused = {key for key in known if not key.startswith(_COMPOSED) and not re.search(rf"\b{key}\b", code)}
    assert not unused
    asked = set(re.findall(r'words\["(\w+)"\]', code)) | set(
        re.findall(r"\b(?:model\.texts|texts|t)\.([a-z_]+)\b", code)
    )
    assert asked - known <= {"splice"}, asked - known


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(LanguageMissingError, match="xx"):
        texts("xx")


def test_titles_units_and_numbers():
    assert title_of({"en": "Streets", "zh": "街道"}, "zh", "s") == "街道"
    assert title_of({}, "zh", "old_sites") == "old sites"
    assert unit_of("ug/m3") == "µg/m³"
    assert unit_of("1") == ""
    assert number(float("nan")) == "\N{EN DASH}"
    assert plain_title("人口\N{FULLWIDTH LEFT PARENTHESIS}模拟\N{FULLWIDTH RIGHT PARENTHESIS}") == "人口"
    assert plain_title("Volume (heights partly modelled)") == "Volume (heights partly modelled)"
