"""What the verbs share: a parser that answers a mistake in one line, the closest name, and the choice of a device."""

import argparse
from typing import Any, NoReturn

from ..checks import closest

UNKNOWN = "unrecognized arguments: "  # as argparse begins the line


class Parser(argparse.ArgumentParser):
    """A parser of one verb. A mistake is one line on stderr and exit code 2.

    Args:
        program: as it is typed, ``pscgan restore``.
        description: the docstring of its module.
        options: others of ``argparse.ArgumentParser``.
    """

    def __init__(self, program: str, description: str | None, **options: Any) -> None:
        text = (description or "").strip()
        super().__init__(program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        """End the program; an option that there is not is answered with the closest."""
        if message.startswith(UNKNOWN):
            unknown = message.removeprefix(UNKNOWN).split()[0].partition("=")[0]
            message = f"there is no {unknown}{closest(unknown, self._option_string_actions)}"
        self.exit(2, f"{self.prog}: {message}\n")


def check_hydra_options(program: str) -> None:
    """End the program in one line if an option is none of Hydra's."""
    from hydra._internal.utils import get_args_parser

    Parser(program, None, parents=[get_args_parser()], add_help=False).parse_args()


def device_of(name: str | None) -> str:
    """The device of that name; by default CUDA where there is one.

    Raises:
        ValueError: if it is cuda and there is none.
    """
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device must be cpu where there is no CUDA device, got cuda")
    return name or ("cuda" if torch.cuda.is_available() else "cpu")
