"""The program ``pscgan``: a verb and its arguments. Only the verb that is called is imported."""

import sys
from importlib import import_module

VERBS = {
    "train": "train a posterior sampler, or continue a run",
    "evaluate": "compare restoration methods on the same measurements, and write a report",
    "restore": "draw restorations of image files",
    "export": "write a trained sampler to one file, or push it to a hub",
    "explore": "open a page that shows samples, their mean and their spread",
    "runs": "print one table of all runs below a folder",
    "prepare-data": "pack images into shards",
}
USAGE = "usage: pscgan VERB ...\n\n" + "".join(f"  {verb:14}{what}\n" for verb, what in VERBS.items())


def main() -> None:
    """Call ``pscgan.scripts.VERB``; an unknown verb is answered with the closest, or with all, and exit code 2."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb in ("", "-h", "--help"):
        print(f"{USAGE}\nHelp on a verb: pscgan VERB --help")
        sys.exit(0 if verb else 2)
    if verb not in VERBS:
        from .checks import closest

        print(f"pscgan: there is no verb {verb}{closest(verb, VERBS)}", file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"pscgan {verb}", *sys.argv[2:]]
    import_module(f".scripts.{verb.replace('-', '_')}", __package__).main()


if __name__ == "__main__":
    main()
