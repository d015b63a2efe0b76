"""The tutorials run as tests, in a folder that looks as the reader's does after `make demo`."""

from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _stand_where_the_reader_stands(monaco_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data_samples").symlink_to(HOUSE / "data_samples")
    (tmp_path / "monaco.twin").symlink_to(monaco_path)
    monkeypatch.chdir(tmp_path)
