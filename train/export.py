"""From a run to one file that holds its sampler, and the card beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf
from torch import Tensor, nn

from .export_file import SUFFIX, write_export
from .exported import check_exportable
from .model_card import model_card
from .run_record import read_run
from .trained import Trained, load_trained
from .whole_file import write_whole


def export(run: Path, out: Path, overwrite: bool = False) -> tuple[Path, Path]:
    """Write the averaged generator of a run with all that ``pscgan.load`` needs, and a model card beside it.

    Args:
        run: its folder, or one of its checkpoints.
        out: the file, of suffix .safetensors; the card has the suffix .md.
        overwrite: whether files that are there may be replaced.

    Returns:
        The paths of file and card.

    Raises:
        ValueError: if there is no run, its classes are not those of this package, or a file is there already.
        OSError: if a file cannot be written.
    """
    card = _card_beside(out, overwrite)
    trained = load_trained(run)
    about = _about(trained)
    check_exportable(about["generator"], about["degradation"])
    root = str(trained.config.dataset.get("root", ""))
    text = model_card(about, out.name, root, read_run(trained.checkpoint.parent).figures)
    write_export(out, about, _weights(trained))
    write_whole(card, text.encode())
    return out, card


def _card_beside(out: Path, overwrite: bool) -> Path:
    if out.suffix != SUFFIX:
        raise ValueError(f"--out is {out}; allowed is a file of suffix {SUFFIX}")
    if not out.parent.is_dir():
        raise ValueError(f"--out is {out}; {out.parent} is not a folder")
    card = out.with_suffix(".md")
    for path in (out, card):
        if path.is_dir():
            raise ValueError(f"{path} is a folder; choose another --out")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")
    return card


def _about(trained: Trained) -> dict[str, Any]:
    """Plain values; commit and command are those of the run's last start."""
    config, start = trained.config, (trained.starts or [{}])[-1]
    return {
        "name": str(config.name),
        "generator": OmegaConf.to_container(config.generator, resolve=True),
        "degradation": OmegaConf.to_container(config.degradation, resolve=True),
        "image_channels": trained.image_channels,
        "images_seen": trained.images_seen,
        "seed": config.seed,
        "commit": start.get("commit"),
        "command": _without_path(start.get("command"), config.dataset.get("root")),
        "feature_networks": list(trained.networks),
    }


def _without_path(command: str | None, root: str | None) -> str | None:
    """The images are named, not where they lie."""
    return command.replace(root, root.rstrip("/").rpartition("/")[2]) if command and root else command


def _weights(trained: Trained) -> dict[str, Tensor]:
    state = cast(nn.Module, trained.generator).state_dict()
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
