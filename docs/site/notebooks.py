"""Tutorials: notebooks that are stored without outputs, run when the site is built, and shown with what they print."""

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from traitlets.config import Config

SECONDS = 300
"""Limit of a cell."""
ENVIRONMENT = {
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    "OMP_NUM_THREADS": "1",
    "TTY_COMPATIBLE": "0",  # no progress bars among what is shown
    "COLUMNS": "100",
}


def pages(paths: Sequence[Path], run: bool) -> dict[str, str | bytes]:
    """By name in the site: a page a notebook, and its pictures."""
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda path: executed(path) if run else nbformat.read(path, 4), paths))
    found: dict[str, str | bytes] = {}
    for path, notebook in zip(paths, shown, strict=True):
        folder = f"{path.parent.name}/"
        names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        text, resources = MarkdownExporter().from_notebook_node(notebook, resources=names)
        found[f"{folder}{path.stem}.md"] = f'{text}\n<a href="{path.name}" download>This page as a notebook</a>\n'
        found |= {folder + name: data for name, data in resources["outputs"].items()}
    return found


def executed(path: Path) -> nbformat.NotebookNode:
    """Run from the first cell to the last in an empty folder; a cell that fails ends the build."""
    notebook: nbformat.NotebookNode = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        sockets = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        here = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, config=sockets, timeout=SECONDS, coalesce_streams=True, resources=here)
        client.execute(env=os.environ | ENVIRONMENT)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        if output.output_type == "stream":
            output.text = output.text.replace(f"{folder}/", "")
    return notebook
