"""Tutorials: notebooks that are stored without outputs, run when the site is built, and shown with what they print."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

SECONDS = 300
"""Limit of a cell."""


def pages(paths: Sequence[Path], run: bool) -> dict[str, str | bytes]:
    """By name in the site: a page a notebook, and its pictures."""
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda path: executed(path) if run else nbformat.read(path, 4), paths))
    found: dict[str, str | bytes] = {}
    for path, notebook in zip(paths, shown, strict=True):
        folder = f"{path.parent.name}/"
        names = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        text, resources = MarkdownExporter().from_notebook_node(notebook, resources=names)
        found[f"{folder}{path.stem}.md"] = text
        found |= {folder + name: data for name, data in resources["outputs"].items()}
    return found


def executed(path: Path) -> nbformat.NotebookNode:
    """Run from the first cell to the last in an empty folder; a cell that fails ends the build."""
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": folder}}).execute()
    return notebook
