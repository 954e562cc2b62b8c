"""The program ``pscgan``: a verb, and what it is told. A verb is imported when it is called, and nothing else."""

from __future__ import annotations

import sys
from importlib import import_module

VERBS = {
    "train": "train a posterior sampler, or go on with a run",
    "evaluate": "compare restoration methods on the same measurements, and write a report",
    "restore": "draw restorations of image files",
    "export": "write the sampler of a run to one file, or push it to a hub",
    "explore": "open a page on which samples, their mean and their spread can be looked at",
    "runs": "print one table of all runs below a folder",
    "prepare-data": "pack images into shards",
}
USAGE = "usage: pscgan VERB ...\n\n" + "".join(f"  {verb:14}{what}\n" for verb, what in VERBS.items())


def main() -> None:
    """Call ``pscgan.scripts.VERB``; an unknown verb is answered with those there are, exit code 2."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb in ("", "-h", "--help"):
        print(f"{USAGE}\nHelp on a verb: pscgan VERB --help")
        sys.exit(0 if verb else 2)
    if verb not in VERBS:
        print(f"pscgan: {verb} must be one of {', '.join(VERBS)}", file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"{sys.argv[0]} {verb}", *sys.argv[2:]]
    import_module(f".scripts.{verb.replace('-', '_')}", __package__).main()


if __name__ == "__main__":
    main()
