"""From a model to files that hold its sampler, and the card beside them."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...checks import optional_package
from ...data.crops import center_crop
from ...data.degradation import Degradation, PairedDegradation, network_channels
from ...data.sources.image_source import BUNDLED, ImageSource
from ...models.generator import takes_data_step
from ...rng import Rng
from ..inference.hub import CARD, MODEL
from ..inference.load import load
from ..inference.safetensors_file import ONNX, PT2, SUFFIX, export_bytes, metadata_json
from ..inference.sampler import LoadedSampler
from ..runs.atomic_write import written_together
from ..sampling import GeneratorSampler
from .graph import graph_files
from .model_card import model_card

SUFFIXES = (SUFFIX, PT2, ONNX)
SIDE = 128  # of the central square of photographs on which rounding is measured, in pixels


def export(
    model: Path | str,
    out: Path,
    overwrite: bool = False,
    half: bool = False,
    name: str | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write the averaged generator of a run, or any other model, for ``pscgan.load`` and other programs, and its card.

    Files are made and tried in memory, then written all or none.

    Args:
        model: what ``load`` takes.
        out: a file of suffix .safetensors, .pt2 or .onnx, or a folder for all three.
        overwrite: whether files that are there may be replaced.
        half: whether weights are rounded to float16: stored so in the .safetensors file, and rounded, but stored
            as float32, in graphs beside it.
        name: by which the card loads it; None for that of the file.
        report: takes a line about each thing that was measured.

    Returns:
        The paths of the files, and of the card.

    Raises:
        ValueError: if there is no model, its classes are not those of this package, a file is there already, a package
            is missing, a graph does not give what the network gives, or the generator unfolds and a graph is asked for.
        OSError: if a file cannot be written.
    """
    files, card = paths_of(out)
    _require_absent([*files.values(), card], overwrite)
    _require_possible(files, half)
    sampler, remarks = load(model), list[str]()
    if takes_data_step(sampler.generator) and files.keys() != {SUFFIX}:
        raise ValueError(f"--out must be a {SUFFIX} file: a graph has no data step, which an unfolded generator needs")
    weights = _rounded(sampler, remarks.append) if half else _weights(sampler.generator)
    metadata = sampler.metadata | {"weights": "float16" if half else "float32"}
    contents = _contents(sampler, metadata, weights, files, remarks.append)
    for remark in remarks:
        report(remark)
    text = model_card(sampler, [path.name for path in files.values()], name, remarks)
    _write({**contents, card: text})
    return [*contents, card]


def paths_of(out: Path) -> tuple[dict[str, Path], Path]:
    """Files by suffix, and their card, that ``out`` stands for: a file by its suffix, or a folder, new or not.

    Raises:
        ValueError: if it is neither, or its folder is absent.
    """
    if not out.parent.is_dir():
        raise ValueError(f"--out is {out}; {out.parent} is not a folder")
    if out.suffix in SUFFIXES:
        return {out.suffix: out}, out.with_suffix(".md") if out.suffix == SUFFIX else out.with_name(out.name + ".md")
    if out.suffix and not out.is_dir():
        raise ValueError(f"--out must be a file of suffix {', '.join(SUFFIXES)}, or a folder, got {out}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out is {out}, which is a file; choose another --out")
    return {suffix: out / f"{MODEL}{suffix}" for suffix in SUFFIXES}, out / CARD


def _require_absent(paths: list[Path], overwrite: bool) -> None:
    for path in paths:
        if path.is_dir():
            raise ValueError(f"{path} is a folder; choose another --out")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")


def _require_possible(files: Mapping[str, Path], half: bool) -> None:
    """Before any work is done."""
    if half and SUFFIX not in files:
        raise ValueError(f"--half stores weights of a {SUFFIX} file or a folder; --out is {next(iter(files.values()))}")
    if ONNX in files:
        for package in ("onnx", "onnxscript"):
            optional_package(package, "onnx", f"an {ONNX} file")


def _contents(
    sampler: LoadedSampler,
    metadata: dict[str, Any],
    weights: dict[str, Tensor],
    files: Mapping[str, Path],
    report: Callable[[str], None],
) -> dict[Path, bytes]:
    by_suffix = {SUFFIX: export_bytes(metadata, weights)} if SUFFIX in files else {}
    graphs = files.keys() - {SUFFIX}
    if graphs:
        channels = network_channels(sampler.image_channels, sampler.degradation)["condition_channels"]
        by_suffix |= graph_files(sampler.generator, channels, metadata_json(metadata, weights), graphs, report)
    return {path: by_suffix[suffix] for suffix, path in files.items()}


def _rounded(sampler: LoadedSampler, report: Callable[[str], None]) -> dict[str, Tensor]:
    """Weights as float16; the network works with them from here on."""
    weights = halved(_weights(sampler.generator))
    errors = rounding_errors(sampler.generator, weights, sampler.degradation, sampler.image_channels)
    cast(nn.Module, sampler.generator).load_state_dict(weights)
    report(
        f"weights are rounded to float16: samples differ by at most {errors.abs().max():.3f} grey levels of 255, "
        f"RMS {errors.square().mean().sqrt():.4f} (the same y and z, {len(errors)} photographs of "
        f"{SIDE} x {SIDE} pixels)"
    )
    return weights


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """float32 tensors as float16; others as they are.

    Raises:
        ValueError: naming the first tensor with a value beyond float16.
    """
    half = {name: weight.half() if weight.is_floating_point() else weight for name, weight in weights.items()}
    for name, weight in half.items():
        if not weight.isfinite().all():
            raise ValueError(f"--half: tensor {name} has values beyond float16, whose largest is 65,504")
    return half


@torch.no_grad()
def rounding_errors(generator: Any, weights: dict[str, Tensor], degradation: Degradation, channels: int) -> Tensor:
    """Differences of samples for the same y and z, after rounding less before, in grey levels of 0..255.

    One sample each of the photographs of the package, degraded as in training; always the same draws. Where y is
    recorded, a photograph is taken for its own recording.

    Args:
        generator: before rounding, on the CPU.
        weights: rounded.
        degradation: it was trained on.
        channels: C.

    Returns:
        (N, C, SIDE, SIDE) float64, of N photographs.
    """
    photographs, rounded = ImageSource(BUNDLED, channels), deepcopy(generator)
    rounded.load_state_dict(weights)
    differences = []
    for number, name in enumerate(photographs.names):
        clean = center_crop(photographs.read(name), SIDE)[None].float() / 255
        if isinstance(degradation, PairedDegradation):
            measurement = degradation.measure(clean)
        else:
            measurement = degradation(clean, Rng(0, "half", [number]))
        before, after = (
            GeneratorSampler(network, degradation).restore(measurement, 1, [number]) for network in (generator, rounded)
        )
        differences.append(255 * (after[0].double() - before[0].double()))
    return torch.cat(differences)


def _weights(generator: Any) -> dict[str, Tensor]:
    state = generator.state_dict()
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _write(contents: Mapping[Path, bytes | str]) -> None:
    """All files or none; a folder that was made for them goes with them."""
    folder = next(iter(contents)).parent
    new = not folder.exists()
    if new:
        folder.mkdir()
    try:
        with written_together() as write:
            for path, content in contents.items():
                write(path, content)
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()
