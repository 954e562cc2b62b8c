"""Pictures by a method that calls a denoiser: what it undoes, and the whole of a picture at once."""

from __future__ import annotations

import math
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from ...checks import closest
from ...rng import Rng
from ..inference.by_denoiser import ByDenoiser, method_config, option_names, require_kind
from ..inference.windows import Window

if TYPE_CHECKING:
    from .restoration_input import RestorationInput

PROBE = 256  # pixels a side of the image by which the time of a call is measured


def check_options(options: Namespace) -> None:
    """Refuse options of ``pscgan restore`` that do not go with ``--method``.

    Raises:
        ValueError: naming the first.
    """
    if options.model is not None:
        raise ValueError("--method and --model exclude each other; the former calls --denoiser")
    for group in ("method", "degradation"):
        name, names = getattr(options, group), option_names(group)
        if name is None:
            raise ValueError(f"--{group} must be given with --method; there are {', '.join(names)}")
        if name not in names:
            raise ValueError(f"there is no {group} {name}{closest(name, names)}")
    for name, value in (("sigma_z", 1), ("precision", "fp32"), ("tolerance", 0)):
        if (given := getattr(options, name)) != value:
            raise ValueError(f"--{name.replace('_', '-')} must be {value} with --method, got {given}")


def open_method(options: Namespace, device: str) -> ByDenoiser:
    """A method of ``conf/method``, by a denoiser, for a degradation of ``conf/degradation``.

    Args:
        options: of ``pscgan restore``, checked: both names, the denoiser, and sigma on the 0..255 scale.
        device: where the denoiser computes.

    Raises:
        ValueError: if the method calls no denoiser, the degradation is not linear and the method needs it to be, or
            sigma is out of its range.
    """
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"degradation={options.degradation}", "dataset=folder"]).degradation
    method = method_config(options.method, options.denoiser)
    if "rule" not in method:
        raise ValueError(f"--method must be one that calls a denoiser, got {options.method}, which is for evaluations")
    of_degradation = instantiate(method)
    require_kind(instantiate(config), of_degradation.keywords["rule"], options.method)
    told = _sigma(options, config)
    opened: ByDenoiser = of_degradation(degradation=instantiate(config, **told), device=device)
    return opened


def _sigma(options: Namespace, degradation: DictConfig) -> dict[str, float]:
    """What the degradation is told of its noise: nothing where it has none, or is that of the file."""
    if "sigma" not in degradation and options.sigma is not None:
        raise ValueError(f"--sigma is {options.sigma}; {options.degradation} has none")
    if "sigma" in degradation and not options.degrade and not isinstance(options.sigma, float):
        raise ValueError(f"--sigma must be that of the noise in y, 0 for none, with --method, got {options.sigma}")
    return {} if options.sigma is None else {"sigma": options.sigma}


class WholePicture:
    """A picture as a method by a denoiser takes it; the denoiser itself may work by windows.

    Args:
        method: that restores.

    Attributes:
        called: is called before each call of the denoiser.
    """

    side = overlap = receptive_field = None
    exact = True

    def __init__(self, method: ByDenoiser) -> None:
        self.method = method
        self.called: Callable[[], None] = lambda: None

    def windows(self, y: RestorationInput) -> list[Window]:
        """The whole."""
        return [Window(0, 0, y.info.height, y.info.width)]

    def draw(
        self, y: RestorationInput, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K, each (1, c, h, w) about [0, 1], projected, neither clipped nor rounded."""
        for sample in self.method.samples(y.measurement(window), num_samples, [seed], self._denoise):
            yield y.project(sample.float(), window)

    def cost(self, y: RestorationInput, num_samples: int) -> str:
        """In words: calls of the denoiser, and about how long they take, by the time of one on a small image."""
        level = math.sqrt(max(self.method.denoiser.low, 1e-3) * self.method.denoiser.high)
        image = 0.5 + level * Rng(0, "probe", [0]).randn(self.method.image_channels, PROBE, PROBE)
        for _ in range(2):
            start = time.perf_counter()
            self.method.denoiser.denoise(image, level).cpu()
        calls, pixels = num_samples * self.method.rule.calls, y.info.height * y.info.width
        seconds = calls * (time.perf_counter() - start) * max(1.0, pixels / PROBE**2)
        return f"{calls} calls of the denoiser on {pixels / 1e6:.2g} megapixels, about {seconds:.0f} s"

    def _denoise(self, x: Tensor, s: float) -> Tensor:
        self.called()
        return self.method.denoiser.denoise(x, s)
