"""``pscgan export``: a sampler in files of its own, and a model card beside them.

What is written follows from the name::

    pscgan export runs/demo --out demo.safetensors   # for pscgan.load: weights, and plain JSON of what they are of
    pscgan export runs/demo --out demo.pt2           # the network as a graph of torch.export
    pscgan export runs/demo --out demo.onnx          # the same for ONNX Runtime (extra pscgan[onnx])
    pscgan export runs/demo --out demo               # a folder with all three, as hubs of models like it
    pscgan export bundled:demo --out demo.onnx       # another model than a run, in another form

Graphs are run before they are written, and their largest difference from the network is printed. A .safetensors file
holds no code.
"""

import argparse
from pathlib import Path

from ..train.runs.cli_errors import report_user_errors
from .command_line import Parser

PROGRAM = "pscgan export"


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan export``."""
    options = _parser().parse_args(arguments)
    from ..train.export.export import SUFFIXES, export
    from ..train.inference.hub import HUB, push, require_repository

    with report_user_errors(PROGRAM):
        if options.push is not None:
            require_repository(options.push)
            if options.out.suffix in SUFFIXES:
                raise ValueError(f"--push uploads a folder; --out is {options.out}, a file")
        name = options.push and HUB + options.push
        paths = export(options.model, options.out, options.overwrite, options.half, name, print)
        for path in paths:
            print(path)
        if options.push:
            print(push(paths, options.push))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("model", metavar="MODEL", help="a run's folder, a checkpoint, or any name pscgan.load takes")
    parser.add_argument("--out", type=Path, required=True, help="a file of one of these suffixes, or a folder")
    parser.add_argument("--half", action="store_true", help="round weights to float16, and measure what that costs")
    parser.add_argument("--push", metavar="USER/REPO", help="upload the folder to the Hugging Face hub")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there already")
    return parser


if __name__ == "__main__":
    main()
