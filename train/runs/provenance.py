"""What a result was made with: command, versions, commit, hardware."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ... import __version__

PACKAGES = (
    *("torch", "pytorch-lightning", "hydra-core", "torchmetrics", "kornia"),
    *("timm", "wandb", "numpy", "pillow", "jpeglib"),
)

# what a run depends on besides its config: dotted keys of a start in ``run.json``, and what people call them
CONDITIONS = {
    "pscgan": "pscgan",
    "commit": "commit",
    "packages.torch": "torch",
    "device": "device",
    "precision": "precision",
    "ranks": "ranks",
    "images.train": "training images",
    "images.validation": "validation images",
    "images.test": "test images",
    "feature_networks": "feature networks",
}


def provenance() -> dict[str, Any]:
    """Command, versions, commit, hardware and time of this process, as plain values."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"{Path(sys.argv[0]).name} {shlex.join(sys.argv[1:])}".strip(),
        "pscgan": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "hardware": _hardware(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the source tree this package is run from, with a plus where it has uncommitted changes."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes else "")


def _hardware() -> dict[str, Any]:
    import torch

    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def changed_conditions(before: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """By key of ``CONDITIONS`` a line for each that two starts both tell, and tell differently."""
    stored, current = flatten_config(before), flatten_config(now)
    return {
        key: f"{name}: {stored[key]} there, {current[key]} now"
        for key, name in CONDITIONS.items()
        if key in stored and key in current and stored[key] != current[key]
    }


def flatten_config(node: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves by dotted key; lists are leaves."""
    if not isinstance(node, dict):
        return {prefix: node}
    return {
        key: leaf
        for name, child in node.items()
        for key, leaf in flatten_config(child, f"{prefix}.{name}" if prefix else name).items()
    }


def describe_config(config: Mapping[Any, Any]) -> str:
    """Class and arguments of a config with ``_target_``, sorted, as "GaussianNoise, sigma 50"; within, in brackets."""
    arguments = [f"{key!s} {_described(config[key])}" for key in sorted(config) if key not in ("_target_", "_partial_")]
    return ", ".join([config["_target_"].rpartition(".")[2], *arguments])


def _described(value: Any) -> str:
    return f"({describe_config(value)})" if isinstance(value, Mapping) and "_target_" in value else str(value)
