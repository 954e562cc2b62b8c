"""From a run to files that hold its sampler, and the card beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from ...data.degradation import network_channels
from ..inference.hub import CARD, MODEL
from ..inference.load_run import Trained, load_trained
from ..inference.safetensors_file import ONNX, PT2, SUFFIX, export_bytes, seal
from ..runs.atomic_write import write_together
from ..runs.cli_errors import optional_package
from ..runs.record import read_run
from .fp16 import halved, rounding_loss
from .graph import describe
from .graph_files import graph_files
from .model_card import model_card


def export(
    run: Path,
    out: Path,
    overwrite: bool = False,
    half: bool = False,
    name: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write the averaged generator of a run for ``pscgan.load`` and other programs, and a model card.

    Files are made and tried in memory, then written all or none.

    Args:
        run: its folder, or one of its checkpoints.
        out: a file of suffix .safetensors, .pt2 or .onnx, or a folder for all three.
        overwrite: whether files that are there may be replaced.
        half: whether weights are rounded to float16: stored so in the .safetensors file, rounded likewise, but stored
            as float32, in graphs beside it.
        name: by which the card loads it; None for that of the file.
        tell: takes a line about each thing that was measured.

    Returns:
        The paths of the files, and of the card.

    Raises:
        ValueError: if there is no run, its classes are not those of this package, a file is there already, a package
            is missing, or a graph does not give what the network gives.
        OSError: if a file cannot be written.
    """
    target = target_of(out, overwrite)
    _require_possible(target, half)
    trained, remarks = load_trained(run, only_ours=True), list[str]()
    about = about_run(trained) | {"weights": "float16" if half else "float32"}
    weights = _rounded(trained, remarks.append) if half else _weights(trained)
    contents = _contents(trained, about, weights, target, remarks.append)
    for remark in remarks:
        tell(remark)
    root = str(trained.config.dataset.get("root", ""))
    names = [path.name for path in target.files.values()]
    figures = read_run(trained.checkpoint.parent).figures
    graph = describe(trained.generator, _condition_channels(trained))
    card = model_card(about, names, name, root, figures, remarks, graph)
    target.write({**contents, target.card: card.encode()})
    return [*contents, target.card]


def _require_possible(target: Target, half: bool) -> None:
    """Before any work is done."""
    if half and SUFFIX not in target.files:
        raise ValueError(
            f"--half stores weights of a {SUFFIX} file or a folder; --out is {next(iter(target.files.values()))}"
        )
    if ONNX in target.files:
        for package in ("onnx", "onnxscript"):
            optional_package(package, "onnx", f"an {ONNX} file")


def _contents(
    trained: Trained, about: dict[str, Any], weights: dict[str, Tensor], target: Target, tell: Callable[[str], None]
) -> dict[Path, bytes]:
    by_suffix = {SUFFIX: export_bytes(about, weights)} if SUFFIX in target.files else {}
    graphs = target.files.keys() - {SUFFIX}
    if graphs:
        channels, sealed = _condition_channels(trained), seal(about, weights)
        by_suffix |= graph_files(trained.generator, channels, sealed, graphs, tell)
    return {path: by_suffix[suffix] for suffix, path in target.files.items()}


def _condition_channels(trained: Trained) -> int:
    return network_channels(trained.image_channels, trained.degradation)["condition_channels"]


def _rounded(trained: Trained, tell: Callable[[str], None]) -> dict[str, Tensor]:
    """Weights as float16; the network works with them from here on."""
    weights = halved(_weights(trained))
    loss = rounding_loss(trained.generator, weights, trained.degradation, trained.image_channels)
    cast(nn.Module, trained.generator).load_state_dict(weights)
    tell(
        f"weights are rounded to float16: samples differ by at most {loss.largest:.3f} grey levels of 255, "
        f"RMS {loss.rms:.4f} (the same y and z, {loss.photographs} photographs of {loss.side} x {loss.side} pixels)"
    )
    return weights


def about_run(trained: Trained) -> dict[str, Any]:
    """What an export says of itself, as plain values; commit and command are those of the run's last start."""
    config, start = trained.config, (trained.starts or [{}])[-1]
    return {
        "name": str(config.name),
        "generator": OmegaConf.to_container(config.generator, resolve=True),
        "degradation": OmegaConf.to_container(config.degradation, resolve=True),
        "image_channels": trained.image_channels,
        "images_seen": trained.images_seen,
        "seed": config.seed,
        "commit": start.get("commit"),
        "command": _without_paths(start.get("command"), config.dataset),
        "feature_networks": list(trained.networks),
    }


def _without_paths(command: str | None, dataset: DictConfig) -> str | None:
    """The images are named, not where they lie; of nested roots the longer path first."""
    roots = [str(dataset[key]) for key in ("root", "recorded") if dataset.get(key)]
    for root in sorted(roots if command else [], key=len, reverse=True):
        command = str(command).replace(root, root.rstrip("/").rpartition("/")[2])
    return command


def _weights(trained: Trained) -> dict[str, Tensor]:
    state = cast(nn.Module, trained.generator).state_dict()
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


SUFFIXES = (SUFFIX, PT2, ONNX)


@dataclass(frozen=True)
class Target:
    """What will be written.

    Attributes:
        files: by suffix.
        card: the model card.
        folder: that holds them all and nothing else is asked of, or None where one file is written.
    """

    files: dict[str, Path]
    card: Path
    folder: Path | None

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write all or nothing; a folder that was made for them goes with them.

        Raises:
            OSError: naming what cannot be written.
        """
        new = self.folder is not None and not self.folder.exists()
        if self.folder and new:
            self.folder.mkdir()
        try:
            write_together(contents)
        except OSError:
            if self.folder and new:
                self.folder.rmdir()
            raise


def target_of(out: Path, overwrite: bool) -> Target:
    """What ``--out`` stands for: a file by its suffix, or a folder, which has none or is there already.

    Raises:
        ValueError: if it is neither, its folder is absent, or something is there already and ``overwrite`` is False.
    """
    folder = out if out.suffix not in SUFFIXES and (out.is_dir() or not out.suffix) else None
    if not folder and out.suffix not in SUFFIXES:
        raise ValueError(f"--out is {out}; allowed is a file of suffix {', '.join(SUFFIXES)}, or a folder")
    if not out.parent.is_dir():
        raise ValueError(f"--out is {out}; {out.parent} is not a folder")
    if folder:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"--out is {out}, which is a file; choose another --out")
        target = Target({suffix: folder / f"{MODEL}{suffix}" for suffix in SUFFIXES}, folder / CARD, folder)
    else:
        card = out.with_suffix(".md") if out.suffix == SUFFIX else out.with_name(out.name + ".md")
        target = Target({out.suffix: out}, card, None)
    for path in (*target.files.values(), target.card):
        if path.is_dir():
            raise ValueError(f"{path} is a folder; choose another --out")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")
    return target
