"""The notebooks of the docs run from top to bottom, without a warning, where a reader stands after `make demo`."""

from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

HOUSE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted(HOUSE.glob("docs/tutorials/*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs(path, monaco_path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HOUSE))
    (tmp_path / "monaco.twin").symlink_to(monaco_path)
    book = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit it without outputs"
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=str(tmp_path / "kernel.json"))
    NotebookClient(book, km=manager, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert not [output.text for output in said if output.output_type == "stream" and output.name == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in said) == 2
    text = " ".join(output.text for output in said if output.output_type == "stream")
    assert "38,400 people in squares, 38,400 in buildings, 0 in squares without one" in text
