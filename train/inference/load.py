"""``pscgan.load``: the one way to open a model, whatever file or name holds it."""

import os
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...checks import closest
from ...data.degradation import Degradation, network_channels
from ...models.generator import Generator
from ...precision import plain_defaults
from ..runs.checkpoint import check_same_tensors, first_not_finite
from ..runs.foreign_file import is_archive
from ..sampling import InferenceConfig, Precision
from . import safe_instantiate
from .hub import HUB, MODEL, fetch
from .image_input import MODES
from .safetensors_file import SUFFIX, read_export
from .sampler import LoadedSampler

BUNDLED = "bundled:"
FOLDER = Path(__file__).parents[2] / "models" / "pretrained"
ENDINGS, CONFIG = (".ckpt", SUFFIX), "config.yaml"  # of files that are models, and what is in every folder of a run
PACKAGES = {"generator": "pscgan.models", "degradation": "pscgan.data.degradations"}
SEAMS = {"generator": ("encode", "decode", "draw_latent", "stride"), "degradation": ("__call__", "residual", "project")}
ENTRIES = ("name", "generator", "degradation", "image_channels", "images_seen", "seed", "feature_networks")


@plain_defaults()
def load(
    name: Path | str,
    device: torch.device | str = "cpu",
    *,
    samples_per_pass: int = 1,
    precision: Precision = "fp32",
    compile: bool = False,
    trust_code: bool = False,
) -> LoadedSampler:
    """Open a trained sampler.

    Nothing is unpickled, checksums are compared before anything is built, and only classes of ``pscgan.models`` and
    ``pscgan.data.degradations`` are built.

    Args:
        name: one of

            - the folder of a run, of which ``best.ckpt`` is taken, or else ``last.ckpt``; or a checkpoint;
            - a .safetensors file that ``pscgan export`` wrote, or a folder with ``model.safetensors``;
            - ``bundled:NAME`` of a model that comes with the package; ``pscgan models`` lists them;
            - ``hf:USER/REPO`` or ``hf:USER/REPO@REVISION`` of the Hugging Face hub; no other name asks it.
        device: where the sampler will work.
        samples_per_pass: see ``InferenceConfig``, as the next two.
        precision: ``fp32`` or ``bf16``.
        compile: whether encoder and decoder are compiled.
        trust_code: whether a run may name classes of other packages, whose code is then run; an export never may.

    Raises:
        ValueError: if there is no such device or repository; naming the file and the reason, if it is damaged, foreign,
            of a newer format, of another architecture than it says, or names a class from elsewhere.
        OSError: naming a file that cannot be opened.
    """
    config, device = InferenceConfig(samples_per_pass, precision, compile), _device(device)
    path, metadata, tensors, run = read_model(str(name))
    try:
        generator, degradation = _build(metadata, trust_code and run is not None)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    check_same_tensors(generator.state_dict(), tensors, path)
    generator.load_state_dict(tensors)
    generator.to(device).eval().requires_grad_(False)
    return LoadedSampler(cast(Generator, generator), degradation, metadata, device, config, run)


def read_model(name: str) -> tuple[Path, dict[str, Any], dict[str, Tensor], Any]:
    """File, metadata, averaged weights, and the run if it is of one, of what ``load`` opens under this name."""
    path, run = _find(name), None
    if path.is_dir() or is_archive(path):
        from .load_run import read_run_source  # omegaconf, for runs alone

        run = read_run_source(path)
        path, metadata, weights = run.checkpoint, run.metadata, run.weights
    else:
        metadata, weights = read_export(path)
    if (absurd := first_not_finite(weights)) is not None:
        raise ValueError(f"{path}: its weights are not finite: {absurd}")
    return path, metadata, weights, run


def _find(name: str) -> Path:
    """The file of an export, a checkpoint, or the folder of a run."""
    bundled = {BUNDLED + path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}
    if name in bundled:
        return bundled[name]
    if name.startswith(HUB):
        return fetch(name)
    path = Path(os.path.expanduser(name))
    for found in (path / f"{MODEL}{SUFFIX}", path):
        if found.is_file() or (found / CONFIG).is_file():
            return found
    folder = path if path.is_dir() else path.parent
    beside = [entry for entry in sorted(folder.glob("*")) if entry.suffix in ENDINGS or (entry / CONFIG).exists()]
    there = [*bundled, *(entry.name for entry in beside if entry.exists())]
    raise ValueError(f"{path} is no file, run or export (one of the hub is {HUB}USER/REPO){closest(path.name, there)}")


def _device(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # the latter of a torch without CUDA
        reason = next(iter(str(error).splitlines()), "")
        raise ValueError(f"device must be a device of torch that is there, got {device} ({reason})") from error


def _build(metadata: dict[str, Any], trust_code: bool) -> tuple[nn.Module, Degradation]:
    absent = [key for key in ENTRIES if key not in metadata]
    if absent:
        raise ValueError(f"its metadata has no {', '.join(absent)}")
    if metadata["image_channels"] not in list(MODES):
        raise ValueError(f"image_channels must be 1 or 3, got {metadata['image_channels']}")
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and replaced
        degradation = _built(metadata, "degradation", trust_code)
        channels = network_channels(metadata["image_channels"], degradation)
        return _built(metadata, "generator", trust_code, **channels), degradation


def _built(metadata: dict[str, Any], role: str, trust_code: bool, **arguments: Any) -> Any:
    if not trust_code:
        return safe_instantiate.build(metadata[role], PACKAGES[role], role, SEAMS[role], **arguments)
    from hydra.utils import instantiate

    return instantiate(metadata[role], **arguments)
