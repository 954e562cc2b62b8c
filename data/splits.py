"""A fixed split of image files into training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

import numpy as np
from omegaconf import OmegaConf

from .sources.names import Names
from .sources.open_source import open_root

SplitRule = int | Sequence[str]
"""How many of the last names, or glob patterns on the names (``*`` also matches ``/``)."""


@dataclass(frozen=True)
class Split:
    """Disjoint names in their given order; together they are all names."""

    train: Names
    validation: Names
    test: Names


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
    if len(held) == len(names):
        raise ValueError(
            f"validation is {validation} and test is {test}; of {len(names)} images none is left for training"
        )
    part = np.array([held.get(name, "train") for name in names])
    shared = names if isinstance(names, Names) else Names(names)
    return Split(*(shared[part == target] for target in ("train", *rules)))


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
        found = f"{len(left)} images, as {len(names)} were found"
        raise ValueError(f"{target} must hold out fewer than {found}, got {count}")
    held.update(dict.fromkeys(left[len(left) - count :], target))


def held_out_photographs() -> Sequence[str]:
    """Names of the bundled photographs on which no bundled model was trained, as ``conf/dataset/photos.yaml`` says."""
    config = OmegaConf.load(str(files("pscgan.conf") / "dataset/photos.yaml"))
    return split(open_root(config.root).names, config.validation, config.test).validation
