"""What the verbs share: a parser that answers a mistake in one line, the choice of a device, and a bar."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..checks import closest
from ..train.runs.cli_errors import report_user_errors
from ..train.runs.override_errors import options_of

if TYPE_CHECKING:
    from rich.progress import Progress

UNKNOWN = "unrecognized arguments: "  # as argparse begins the line


class Parser(argparse.ArgumentParser):
    """A parser of one verb. A mistake is one line on stderr and exit code 2.

    Args:
        program: as it is typed, ``pscgan restore``.
        description: the docstring of its module.
        options: others of ``argparse.ArgumentParser``.
    """

    def __init__(self, program: str, description: str | None, **options: Any) -> None:
        text = (description or "").strip().replace("``", "").replace("::\n", ":\n")
        super().__init__(program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What follows ``--`` is no option: ``-- -a.png`` is ``./-a.png``."""
        words = list(sys.argv[1:] if args is None else args)
        if "--" in words:
            start = words.index("--")
            words[start:] = [f"./{word}" if word.startswith("-") else word for word in words[start + 1 :]]
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """End the program; an option that there is not is answered with the closest."""
        if message.startswith(UNKNOWN):
            word = message.removeprefix(UNKNOWN).split()[0]
            unknown = word.partition("=")[0]
            remedy = closest(unknown, (name for name in self._option_string_actions if "experimental" not in name))
            if Path(word).exists():
                remedy = f"; the file is ./{word}"
            elif any(action.dest == "overrides" for action in self._actions) and "did you" not in remedy:
                remedy = "; values are set without dashes, as seed=3, all before or all after the options"
            message = f"there is no {unknown}{remedy}"
        self.exit(2, f"{self.prog}: {message}\n")


def run_hydra(program: str, run: Callable[[], None]) -> None:
    """A program with a config: a mistake is one line, and a run that is refused leaves no empty folder."""
    from hydra._internal.utils import get_args_parser
    from omegaconf import OmegaConf

    from ..train.runs.folder import remove_new_empty_folders

    OmegaConf.register_new_resolver("options", options_of, replace=True)
    Parser(program, None, parents=[get_args_parser()], add_help=False, allow_abbrev=False).parse_args()
    try:
        with report_user_errors(program):
            run()
    finally:
        remove_new_empty_folders()


def device_of(name: str | None) -> str:
    """The device of that name; by default CUDA where there is one.

    Raises:
        ValueError: if it is cuda and there is none.
    """
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device must be cpu where there is no CUDA device, got cuda")
    return name or ("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def all_or_nothing(program: str) -> Iterator[None]:
    """``report_user_errors`` of a verb that writes at its end; interrupted, it says that nothing was written."""
    with report_user_errors(program):
        try:
            yield
        except KeyboardInterrupt:
            print("interrupted; nothing was written", file=sys.stderr)
            raise


def progress() -> Progress:
    """A bar with the time left, on a terminal."""
    from rich import get_console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    quiet = not get_console().is_terminal
    return Progress(*columns, disable=quiet, transient=True, redirect_stderr=sys.stderr.isatty())
