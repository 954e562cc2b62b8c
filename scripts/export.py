"""``pscgan-export``: one file that holds the sampler of a run, for ``pscgan.load``, and a model card beside it.

The file holds the averaged generator's weights and, as plain JSON, what they were trained on; nothing in it is code::

    pscgan-export runs/demo --out demo.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..train.export import export
from ..train.user_errors import one_line_errors

PROGRAM = "pscgan-export"


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan-export``."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run, or one of its checkpoints")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="written, and FILE.md")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there already")
    options = parser.parse_args(arguments)
    with one_line_errors(PROGRAM):
        for path in export(options.run, options.out, options.overwrite):
            print(path)


if __name__ == "__main__":
    main()
