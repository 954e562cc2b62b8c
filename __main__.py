"""The program ``pscgan``: a verb and its arguments. Only the verb that is called is imported."""

import os
import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from .memory import keep_freed_memory

VERBS = {
    "train": "train a posterior sampler, or continue a run",
    "evaluate": "compare restoration methods on the same measurements, and write a report",
    "restore": "draw restorations of image files",
    "adapt": "adapt a trained model to pictures of one kind, from a few of them",
    "transport": "fit the map that takes a model's restorations to the law of clean images",
    "synthesise": "draw images from the prior of a denoiser, from pure noise",
    "export": "write a trained sampler to one file, or push it to a hub",
    "explore": "open a page that shows samples, their mean and their spread",
    "runs": "print one table of all runs below a folder",
    "models": "list the models that come with the package",
    "prepare-data": "pack images into shards",
}
USAGE = "usage: pscgan VERB ...\n\n" + "".join(f"  {verb:14}{what}\n" for verb, what in VERBS.items())


def main() -> None:
    """Call ``pscgan.scripts.VERB``; an unknown verb is answered with the closest, or with all, and exit code 2."""
    _escape_what_cannot_be_printed()
    _clean_up_on_signals()
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb in ("", "-h", "--help"):
        print(f"{USAGE}\nHelp on a verb: pscgan VERB --help; the version: pscgan --version")
        sys.exit(0 if verb else 2)
    if verb == "--version":
        from . import __version__

        print(f"pscgan {__version__}")
        sys.exit()
    if verb not in VERBS:
        from .checks import closest

        print(f"pscgan: there is no verb {verb}{closest(verb, VERBS)}", file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"pscgan {verb}", *sys.argv[2:]]
    keep_freed_memory()
    try:
        import_module(f".scripts.{verb.replace('-', '_')}", __package__).main()
    except KeyboardInterrupt as interrupt:
        sys.exit(128 + next(iter(interrupt.args), signal.SIGINT))


def _escape_what_cannot_be_printed() -> None:
    """Show a name that the terminal has no characters for by its code points, here and in processes started here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    os.environ["PYTHONIOENCODING"] = f"{encoding}:{errors or 'backslashreplace'}"


def _clean_up_on_signals() -> None:
    """Have the system's signals leave by way of ``finally``, as Ctrl-C does; those that are ignored stay so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    main()
