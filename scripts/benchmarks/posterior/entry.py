"""One entry of the posterior benchmark: a row of the table on one problem with one seed, its config and its file."""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, cast

from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from ....train.runs.config_check import check_config

EXACT = "exact"
SHARED = ("points", "fields")  # configs of what several problems have in common


class BenchmarkEntry(NamedTuple):
    """A place in the table."""

    problem: str
    row: str
    seed: int

    def path(self, out: Path) -> Path:
        """Where its figures are kept."""
        return out / "entries" / self.problem / self.row / f"{self.seed}.json"


def problem_names() -> list[str]:
    """Problems with a known posterior, by the name of their config."""
    folder = resources.files("pscgan.conf") / "toy_posterior"
    names = (path.name.removesuffix(".yaml") for path in folder.iterdir())
    return sorted(name for name in names if name not in SHARED)


def compose_entry(entry: BenchmarkEntry, overrides: Sequence[str]) -> DictConfig:
    """The config of an entry: that of the problem, of the row, and what the user overrides.

    Raises:
        hydra.errors.HydraException: if an override names nothing.
        ValueError: if a value is of a wrong type.
    """
    problem = f"toy_posterior={entry.problem}"
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        objectives = compose("posterior_benchmark", [problem, *overrides]).objectives
        row = str(objectives.get(entry.row, "")).split()
        config = compose("posterior_benchmark", [problem, *row, *overrides, f"seed={entry.seed}"])
    check_config(config, "posterior_benchmark")
    return config


def identity(entry: BenchmarkEntry, config: DictConfig) -> dict[str, Any]:
    """What an entry's figures depend on, as plain values: its config without the other rows there are."""
    plain = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    plain["comparator"] = plain.pop("comparators").get(entry.row)
    return {name: value for name, value in plain.items() if name not in ("rows", "objectives")}


def select_entries(
    problems: Sequence[str], rows: Sequence[str] | None, seeds: Sequence[int], overrides: Sequence[str]
) -> list[BenchmarkEntry]:
    """All entries asked for, seed by seed; without rows of the exact denoiser where a denoiser alone cannot sample.

    Args:
        problems: by name.
        rows: None for those that the config of each problem lists, and all comparators.
        seeds: of every row.
        overrides: of conf/posterior_benchmark.yaml.

    Raises:
        ValueError: if a problem or a row is not known.
    """
    if unknown := sorted(set(problems) - set(problem_names())):
        raise ValueError(f"--problems must be among {', '.join(problem_names())}, got {', '.join(unknown)}")
    selected = []
    for problem in problems:
        config = compose_entry(BenchmarkEntry(problem, EXACT, 0), overrides)
        known = [EXACT, *config.objectives, *config.comparators]
        for row in rows or [*config.rows, *config.comparators]:
            if row not in known:
                raise ValueError(f"--rows must be among {', '.join(known)}, got {row}")
            if config.white_noise or row not in config.comparators:
                selected += [BenchmarkEntry(problem, row, seed) for seed in seeds]
    return sorted(selected, key=lambda entry: entry.seed)


def read_finished(out: Path, entry: BenchmarkEntry, overrides: Sequence[str]) -> dict[str, Any] | None:
    """Figures of an entry from an earlier run, if there are any.

    Raises:
        ValueError: if they were made with another config.
    """
    path = entry.path(out)
    if not path.is_file():
        return None
    figures: dict[str, Any] = json.loads(path.read_text())
    if figures["config"] != identity(entry, compose_entry(entry, overrides)):
        raise ValueError(f"--out must hold entries of the same config, got {path} of another config")
    return figures
