import json

from typer.testing import CliRunner

from tests.dashboards.fake_city import FakeCity
from twin.cli import app


def test_all_tiles_are_made_before_anybody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.commands.tiles.open_twin", lambda _path: FakeCity(blocks=3))
    ran = CliRunner().invoke(app, ["tiles", str(tmp_path), "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    files = list((tmp_path / "tiles").rglob("*.gz"))
    assert told["tiles"] == told["made"] >= len(files) > 4
    assert told["bytes"] == sum(path.stat().st_size for path in files)
    assert "tiles and runs of values" in CliRunner().invoke(app, ["tiles", str(tmp_path)]).output
