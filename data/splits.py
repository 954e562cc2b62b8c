"""A fixed split of image files into training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

from omegaconf import OmegaConf

from .sources.open_source import open_root

SplitRule = int | Sequence[str]
"""How many of the last names, or glob patterns on the names (``*`` also matches ``/``)."""


@dataclass(frozen=True)
class Split:
    """Disjoint lists of names in their given order; together they are all names."""

    train: list[str]
    validation: list[str]
    test: list[str]


def split(names: Sequence[str], validation: SplitRule, test: SplitRule) -> Split:
    """Split by name alone, so that it stays the same on every machine and in every run.

    Patterns choose first. Then a count takes the last names that are left, validation before test.

    Raises:
        ValueError: if a rule is neither a count nor patterns or asks for more than there is, if a pattern matches
            nothing or a file of the other split, or if nothing is left for training.
    """
    rules = {"validation": validation, "test": test}
    held: dict[str, str] = {}
    for target, rule in rules.items():
        if isinstance(rule, str) or (isinstance(rule, int) and rule < 0):
            raise ValueError(f"{target} must be a count >= 0 or a list of glob patterns, got {rule!r}")
        if not isinstance(rule, int):
            _take_matching(names, target, rule, held)
    for target, rule in rules.items():
        if isinstance(rule, int):
            _take_last(names, target, rule, held)
    train = [name for name in names if name not in held]
    if not train:
        raise ValueError(
            f"validation is {validation} and test is {test}; of {len(names)} images none is left for training"
        )
    return Split(train, *([name for name in names if held.get(name) == target] for target in rules))


def _take_matching(names: Sequence[str], target: str, patterns: Sequence[str], held: dict[str, str]) -> None:
    for pattern in patterns:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise ValueError(f"{target} holds the pattern {pattern!r}; it matches none of the {len(names)} images")
        for name in matching:
            if held.setdefault(name, target) != target:
                raise ValueError(f"{target} holds the pattern {pattern!r}; it matches {name}, already in {held[name]}")


def _take_last(names: Sequence[str], target: str, count: int, held: dict[str, str]) -> None:
    left = [name for name in names if name not in held]
    if count > len(left):
        raise ValueError(f"{target} must be at most {len(left)}, the images left, got {count}")
    held.update(dict.fromkeys(left[len(left) - count :], target))


def held_out_photographs() -> list[str]:
    """Names of the bundled photographs on which no bundled model was trained, as ``conf/dataset/photos.yaml`` says."""
    config = OmegaConf.load(str(files("pscgan.conf") / "dataset/photos.yaml"))
    return split(open_root(config.root).names, config.validation, config.test).validation
