"""``pscgan restore`` in this process, and the check of what it says by other people's code."""

import json
from pathlib import Path
from typing import NamedTuple

import jpeglib
import numpy as np
from PIL import Image

from pscgan.scripts.restore import main

REPORT = {"restore.json", "restore.jsonl"}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def restore(capfd, *arguments, device="cpu") -> Ended:
    capfd.readouterr()
    try:
        main(["--device", device, *map(str, arguments)])
    except SystemExit as ended:
        return Ended(ended.code, *capfd.readouterr())
    raise AssertionError("a command ends with an exit code")


def report(folder: Path):
    """What is said of the last call, and of each file."""
    records = [json.loads(line) for line in (folder / "restore.jsonl").read_text().splitlines()]
    return json.loads((folder / "restore.json").read_text())[-1] | {"files": records}


def levels(path):
    """Of each component, (rows, columns, 8, 8)."""
    jpeg = jpeglib.read_dct(str(path))
    return [part for part in (jpeg.Y, jpeg.Cb, jpeg.Cr) if part is not None]


def count_differences(jpeg: Path, png: Path, again: Path) -> dict[str, int]:
    """Encode the pixels of a .png by Pillow with the tables and sampling of a .jpg; count what differs."""
    with Image.open(jpeg) as file, Image.open(png) as restored:
        assert restored.mode == file.mode
        assert restored.size == file.size
        tables = [file.quantization[layer[3]] for layer in file.layer]
        sampling = f"4:{4 // file.layer[0][1]}:{4 // file.layer[0][1] if file.layer[0][2] == 1 else 0}"
        options = {"subsampling": sampling} if file.mode == "RGB" else {}
        Image.fromarray(np.asarray(restored)).save(again, "JPEG", qtables=tables, **options)
    wrong = [a != b for a, b in zip(levels(jpeg), levels(again), strict=True)]
    return {
        "levels_wrong": sum(int(part.sum()) for part in wrong),
        "levels": sum(part.size for part in wrong),
        "blocks_wrong": sum(int(part.any(axis=(2, 3)).sum()) for part in wrong),
        "blocks": sum(part.shape[0] * part.shape[1] for part in wrong),
    }
