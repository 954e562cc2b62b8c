"""``pscgan transport``: how far a model's restorations are from clean images, as a map that takes them there.

Deep Optimal Transport (DOT): a dozen images, as they are and restored, give the law of small patches of both, and the
optimal transport between two Gaussians in closed form. The file serves pscgan restore --transport, and methods of
pscgan evaluate::

    pscgan transport runs/demo_mmse --images PHOTOS --count 16 --out dot.safetensors
    pscgan transport bundled:denoiser --sigma 50 --images bundled:photos --out dot.safetensors
    pscgan restore noisy.png --model runs/demo_mmse --transport dot.safetensors --alpha 0.3 --out restored

Crops of the images are degraded, as the model was trained, and restored. The same command writes the same file.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from ..checks import require_at_least
from .command_line import Parser, all_or_nothing, device_of, progress

if TYPE_CHECKING:
    from torch import nn

    from ..data.degradation import Degradation
    from ..models.transport.spaces import Space
    from ..train.sampling import Restorer

PROGRAM = "pscgan transport"
FFDNET = ".mat"  # how files of its authors end
Item = TypeVar("Item")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(PROGRAM, __doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder, a checkpoint, an export, bundled:NAME, or FFDNet_color.mat")
    add("--images", required=True, metavar="ROOT", help="clean ones: a folder, .zip, shards, or bundled:photos")
    add("--count", type=int, default=16, help="of the crops (default %(default)s)")
    add("--out", type=Path, required=True, help="a .safetensors file that is not there yet")
    add("--patch", type=int, default=5, help="codes a side of a patch (default %(default)s)")
    space = "pixels (default), unshuffled:2, unshuffled:4, bundled:autoencoder or a run"
    add("--space", default="pixels", help=f"of the codes: {space}")
    add("--crop", type=int, default=256, help="pixels a side, or what an image has (default %(default)s)")
    add("--unpaired", action="store_true", help="restore one half of the images, and take clean ones from the other")
    add("--sigma", type=float, help="of the noise, on the 0..255 scale, of a model of many levels")
    add("--seed", type=int, default=0, help="of images, crops, noise and samples (default %(default)s)")
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first option that is out of range."""
    require_at_least(1, **{f"--{name}": getattr(options, name) for name in ("count", "patch", "crop")})
    if options.out.suffix != ".safetensors":
        raise ValueError(f"--out must end with .safetensors, got {options.out}")
    if os.path.lexists(options.out):
        raise ValueError(f"--out must not be there yet, got {options.out}")
    if options.model.endswith(FFDNET) and options.sigma is None:
        raise ValueError("--sigma must be given for FFDNet, which is of many levels")


class Model(NamedTuple):
    """What restores, and what is written of it."""

    restorer: Restorer
    degradation: Degradation
    channels: int
    about: dict[str, Any]


def _model(options: argparse.Namespace) -> Model:
    from ..data.degradations.gaussian_noise import GaussianNoise
    from ..models.features.weights import weights_hash
    from ..train.evaluation.methods import Deterministic
    from ..train.inference.denoiser import ffdnet
    from ..train.inference.load import load

    device = device_of(options.device)
    if options.model.endswith(FFDNET):
        denoiser = ffdnet(options.model, device)
        restorer = Deterministic(lambda y: denoiser.denoise(y.degraded, y.params["sigma"]))
        about = {"name": Path(options.model).stem, "weights": weights_hash(denoiser.network)}
        return Model(restorer, GaussianNoise(options.sigma), denoiser.channels, about)
    loaded = load(options.model, device)
    known = {name: loaded.metadata[name] for name in ("name", "images_seen", "degradation")}
    about = known | {"weights": weights_hash(cast("nn.Module", loaded.generator))}
    return Model(loaded.restorer, loaded.degradation, loaded.image_channels, about)


def _space(name: str) -> Space:
    from ..train.inference.transport import open_space

    if not name.startswith("{"):
        return open_space(name)
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    space: Space = instantiate(OmegaConf.create(name))
    return space


def fit(options: argparse.Namespace) -> None:
    """Restore, measure and write; the file is there as a whole or not at all."""
    from ..data.sources.image_source import ImageSource
    from ..precision import plain_defaults
    from ..train.inference.transport import crops, degraded_and_clean, patch_law, restorations, transport_bytes
    from ..train.runs.atomic_write import atomic_write

    with plain_defaults():
        space, model = _space(options.space), _model(options)
        images = ImageSource(options.images, model.channels)
        degraded, clean = degraded_and_clean(images.names, options.seed, options.unpaired)
        asked, start = (options.count, options.crop, options.seed), time.perf_counter()
        restored = restorations(
            model.restorer, model.degradation, crops(images, degraded, *asked), options.seed, options.sigma
        )
        source = patch_law(_shown(restored, "restoring", options.count), space, options.patch)
        target = patch_law(_shown(crops(images, clean, *asked), "clean", options.count), space, options.patch)
        about = {name: getattr(options, name) for name in ("patch", "count", "crop", "unpaired", "seed", "sigma")}
        about |= {"space": space.name, "image_channels": model.channels, "of": model.about}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(options.out, transport_bytes(source, target, about))
    print(f"{PROGRAM}: {options.count} crops in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    print(options.out)


def _shown(items: Iterable[Item], what: str, count: int) -> Iterator[Item]:
    """The same, with a bar on a terminal."""
    with progress() as bar:
        yield from bar.track(items, count, description=what)


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan transport``."""
    options = parse(arguments)
    with all_or_nothing(PROGRAM):
        check(options)
        fit(options)


if __name__ == "__main__":
    main()
