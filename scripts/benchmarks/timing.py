"""What the benchmarks share: their options, and works that are timed in turn so that all see the same machine."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...memory import keep_freed_memory
from ..command_line import Parser, device_of

if TYPE_CHECKING:  # torch takes seconds to import, which --help need not wait for
    import torch

Works = dict[str, Callable[[], Any]]


def count(text: str) -> int:
    """A whole number of at least 1, as an argument of the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number >= 1, got {text}")
    return int(text)


def make_parser(program: str, description: str | None, rounds: int) -> Parser:
    """A parser with ``--rounds``, whose default is given, and ``--device``; memory is kept as by the verbs."""
    keep_freed_memory()
    parser = Parser(program, description)
    parser.add_argument("--rounds", type=count, default=rounds, help=f"after one to warm up (default {rounds})")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    return parser


def choose_device(name: str | None) -> torch.device:
    """The device of that name; by default the first CUDA device, or the CPU."""
    import torch

    return torch.device(device_of(name))


def describe(device: torch.device) -> str:
    """For the title of a table: the kind of device, on CPU with its threads."""
    import torch

    return f"cpu, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


class Times(dict[str, list[float]]):
    """Seconds of each work in each round."""

    def median_ms(self, name: str) -> float:
        """Milliseconds of a work."""
        return 1000 * statistics.median(self[name])

    def median_ratio(self, name: str, against: str) -> float:
        """Median over rounds of the time of one work over that of another in the same round."""
        return statistics.median(one / two for one, two in zip(self[name], self[against], strict=True))


def alternate(works: Works, device: torch.device, rounds: int) -> Times:
    """Works take turns, and one more round before them warms up; the device's queue is empty before and after each."""
    import torch

    wait: Callable[[], Any] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    times = Times({name: [] for name in works})
    for _ in range(rounds + 1):
        for name, work in works.items():
            wait()
            start = time.perf_counter()
            work()
            wait()
            times[name].append(time.perf_counter() - start)
    return Times({name: taken[1:] for name, taken in times.items()})


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows; the first column stands left, numbers right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)
