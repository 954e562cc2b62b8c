"""A fixed split of image files into training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

Part = int | Sequence[str]
"""How many of the last names, or glob patterns on the names (``*`` also matches ``/``)."""


@dataclass(frozen=True)
class Split:
    """Disjoint lists of names in their given order; together they are all names."""

    train: list[str]
    validation: list[str]
    test: list[str]


def split(names: Sequence[str], validation: Part, test: Part) -> Split:
    """Split by name alone, so that it stays the same on every machine and in every run.

    Patterns choose first. Then a count takes the last names that are left, validation before test.

    Raises:
        ValueError: if a part is neither a count nor patterns or asks for more than there is, if a pattern matches
            nothing or a file of the other part, or if nothing is left for training.
    """
    parts = {"validation": validation, "test": test}
    held: dict[str, str] = {}
    for part, rule in parts.items():
        if isinstance(rule, str) or (isinstance(rule, int) and rule < 0):
            raise ValueError(f"{part} is {rule!r}; allowed is a count of at least 0 or a list of glob patterns")
        if not isinstance(rule, int):
            _take_matching(names, part, rule, held)
    for part, rule in parts.items():
        if isinstance(rule, int):
            _take_last(names, part, rule, held)
    train = [name for name in names if name not in held]
    if not train:
        raise ValueError(
            f"validation is {validation} and test is {test}; of {len(names)} images none is left for training"
        )
    return Split(train, *([name for name in names if held.get(name) == part] for part in parts))


def _take_matching(names: Sequence[str], part: str, patterns: Sequence[str], held: dict[str, str]) -> None:
    for pattern in patterns:
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise ValueError(f"{part} holds the pattern {pattern!r}; it matches none of the {len(names)} images")
        for name in matching:
            if held.setdefault(name, part) != part:
                raise ValueError(f"{part} holds the pattern {pattern!r}; it matches {name}, already in {held[name]}")


def _take_last(names: Sequence[str], part: str, count: int, held: dict[str, str]) -> None:
    left = [name for name in names if name not in held]
    if count > len(left):
        raise ValueError(f"{part} is {count}; allowed is at most {len(left)}, the images left")
    held.update(dict.fromkeys(left[len(left) - count :], part))
