"""``pscgan.load``: the sampler in an exported file, built from classes of this package and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...data.degradation import Degradation, network_channels
from ..sampling import InferenceConfig, Precision
from . import safe_instantiate
from .hub import MODEL, fetch, names_repository
from .image_input import MODES
from .safetensors_file import ONNX, PT2, SUFFIX, read_export
from .sampler import LoadedSampler

GENERATORS, DEGRADATIONS = "pscgan.models", "pscgan.data.degradations"
SEAMS = {"generator": ("encode", "decode", "draw_latent", "stride"), "degradation": ("__call__", "residual", "project")}
ENTRIES = ("name", "generator", "degradation", "image_channels", "images_seen", "seed", "feature_networks")


def load(
    path: Path | str,
    device: torch.device | str = "cpu",
    *,
    samples_per_pass: int = 1,
    precision: Precision = "fp32",
    compile: bool = False,
) -> LoadedSampler:
    """Load what ``pscgan export`` wrote, from this disk or from the hub.

    Nothing is unpickled; the checksum is compared before anything is built; only classes of ``pscgan.models`` and
    ``pscgan.data.degradations`` are built.

    Args:
        path: of the .safetensors file, or of a folder with ``model.safetensors``; ``bundled:demo`` or
            ``bundled:jpeg_demo``, which come with the package; a text USER/REPO or USER/REPO@REVISION that is nothing
            on this disk is a repository of the Hugging Face hub.
        device: where the sampler will work.
        samples_per_pass: see ``InferenceConfig``, as the next two.
        precision: ``fp32`` or ``bf16``.
        compile: whether encoder and decoder are compiled.

    Raises:
        ValueError: if there is no such device or repository; naming the file and the reason, if it is damaged, foreign,
            of a newer format, or names a class from elsewhere.
    """
    path, device = _file(path), _device(device)
    serving = InferenceConfig(samples_per_pass, precision, compile)
    about, tensors = read_export(path)
    try:
        generator, degradation = _build(about)
        _fill(generator, tensors)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    return LoadedSampler(generator.to(device), degradation, about, device, serving)


def check_exportable(generator: Any, degradation: Any) -> None:
    """Raise a ValueError that names the first class in these plain configs that ``load`` would refuse."""
    _require_seam(safe_instantiate.check(generator, GENERATORS, "generator"), "generator")
    _require_seam(safe_instantiate.check(degradation, DEGRADATIONS, "degradation"), "degradation")


def _build(about: dict[str, Any]) -> tuple[Any, Degradation]:
    absent = [key for key in ENTRIES if key not in about]
    if absent:
        raise ValueError(f"its metadata has no {', '.join(absent)}")
    check_exportable(about["generator"], about["degradation"])
    if about["image_channels"] not in list(MODES):
        raise ValueError(f"image_channels is {about['image_channels']}; allowed is 1 or 3")
    degradation = safe_instantiate.build(about["degradation"], DEGRADATIONS, "degradation")
    channels = network_channels(about["image_channels"], degradation)
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and replaced
        generator = safe_instantiate.build(about["generator"], GENERATORS, "generator", **channels)
    return generator, degradation


def _file(name: Path | str) -> Path:
    if str(name).startswith(BUNDLED):
        return bundled_model(str(name))
    path = fetch(str(name)) if names_repository(name) else Path(name).expanduser()
    if path.suffix in (PT2, ONNX):
        raise ValueError(f"{path} is a graph for other programs; pscgan.load takes the {SUFFIX} file")
    return path / f"{MODEL}{SUFFIX}" if (path / f"{MODEL}{SUFFIX}").is_file() else path


def _device(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # the latter of a torch without CUDA
        reason = next(iter(str(error).splitlines()), "")
        raise ValueError(f"device is {device}; allowed is a device of torch that is there ({reason})") from error


def _require_seam(found: type, role: str) -> None:
    if not all(hasattr(found, name) for name in SEAMS[role]):
        raise ValueError(f"{role} is a {found.__name__}, which has not {', '.join(SEAMS[role])}")


def _fill(generator: nn.Module, tensors: dict[str, Tensor]) -> None:
    expected = generator.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        shapes = [tuple(of[name].shape) if name in of else "absent" for of in (tensors, expected)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"tensor {name} is {shapes[0]} there and {shapes[1]} in the generator that it names")
    generator.load_state_dict(tensors)
    generator.eval().requires_grad_(False)


CHECKPOINT, CONFIG = ".ckpt", "config.yaml"  # a checkpoint's ending, and what is in every folder of a run


def open_model(name: Path | str, device: torch.device | str = "cpu", precision: Precision = "fp32") -> LoadedSampler:
    """The sampler of an export or of a run; whichever it is, only classes of this package are built.

    Args:
        name: what ``pscgan.load`` takes; or the folder of a run, of which ``best.ckpt`` is taken, or else
            ``last.ckpt``; or a checkpoint.
        device: where the sampler will work.
        precision: see ``InferenceConfig``.

    Raises:
        ValueError: naming what there is not, is damaged, or names a class from elsewhere.
        OSError: if it cannot be opened.
    """
    path = Path(name).expanduser()
    if path.suffix != CHECKPOINT and not (path / CONFIG).exists():
        return load(name, device, precision=precision)
    from ..export.export import about_run  # what stands behind training takes many seconds to import
    from .load_run import load_trained

    trained = load_trained(path, device, only_ours=True)
    about = about_run(trained) | {"checkpoint": str(trained.checkpoint)}
    serving = InferenceConfig(precision=precision)
    return LoadedSampler(trained.generator, trained.degradation, about, trained.device, serving)


BUNDLED = "bundled:"
FOLDER = Path(__file__).parents[2] / "models" / "pretrained"


def bundled_model(name: str) -> Path:
    """The file of ``bundled:NAME``.

    Raises:
        ValueError: if there is none of that name, with the names there are.
    """
    path = FOLDER / f"{name.removeprefix(BUNDLED)}{SUFFIX}"
    names = sorted(found.stem for found in FOLDER.glob(f"*{SUFFIX}"))
    if path.stem not in names:
        raise ValueError(f"{name} is no bundled model; allowed are {', '.join(BUNDLED + one for one in names)}")
    return path
