"""``pscgan models``: the models that come with the package; their scores and limits are on their cards.

Columns: the name that every command takes, what it was trained to undo, its parameters, its file, how long it was
trained, and the card::

    pscgan models
    pscgan restore photo.jpg --model bundled:jpeg
"""

import sys

from rich.console import Console
from rich.table import Table

from ..train.runs.cli_errors import report_user_errors
from ..train.runs.comparison_table import WIDTH
from ..train.runs.provenance import describe_config
from .command_line import Parser

PROGRAM = "pscgan models"


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan models``."""
    Parser(PROGRAM, __doc__).parse_args(arguments)
    from ..train.inference.load import BUNDLED, FOLDER
    from ..train.inference.safetensors_file import SUFFIX, read_export

    table = Table("model", "trained to undo", "parameters", "file", "images seen", "card")
    with report_user_errors(PROGRAM):
        for path in sorted(FOLDER.glob(f"*{SUFFIX}")):
            metadata, weights = read_export(path)
            table.add_row(
                BUNDLED + path.stem,
                describe_config(metadata["degradation"]),
                f"{sum(weight.numel() for weight in weights.values()):,}",
                f"{path.stat().st_size / 1e6:.1f} MB",
                f"{metadata['images_seen']:,}",
                str(path.with_suffix(".md")),
            )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


if __name__ == "__main__":
    main()
