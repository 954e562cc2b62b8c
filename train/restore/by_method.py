"""Pictures by a method that calls a denoiser, or searches a GAN: what it undoes, and the whole of a picture at once."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from ...checks import closest
from ..inference.by_denoiser import ByDenoiser, method_config, require_kind
from ..inference.by_gan import ByGan
from ..inference.synthesis import to_pixels
from ..inference.windows import Window
from ..runs.override_errors import option_names

if TYPE_CHECKING:
    from .restoration_input import RestorationInput

PictureMethod = ByDenoiser | ByGan
SHOWN = 8  # pictures on the way to a sample


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
    searched = "gan" in method_config(options.method, None)
    if searched != (options.gan is not None):
        raise ValueError(f"--gan {'must be given' if searched else 'does not go'} with --method {options.method}")
    if searched and options.denoiser is not None:
        raise ValueError(f"--denoiser does not go with --method {options.method}, which calls none")
    for name, value in (("sigma_z", 1), ("precision", "fp32"), ("tolerance", 0)):
        if (given := getattr(options, name)) != value:
            raise ValueError(f"--{name.replace('_', '-')} must be {value} with --method, got {given}")


def open_method(options: Namespace, device: str) -> PictureMethod:
    """A method of ``conf/method``, by a denoiser or a GAN, for a degradation of ``conf/degradation``.

    Args:
        options: of ``pscgan restore``, checked: both names, the denoiser or GAN, and sigma on the 0..255 scale.
        device: where it computes.

    Raises:
        ValueError: if the method calls no denoiser, the degradation is not linear and the method needs it to be, or
            sigma is out of its range.
    """
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"degradation={options.degradation}", "dataset=folder"]).degradation
    given = {} if options.gan is None else {"gan": options.gan}
    method = method_config(options.method, options.denoiser) | given
    if "rule" not in method:
        raise ValueError(
            f"--method must be one that calls a denoiser or a GAN, got {options.method}, which is for evaluations"
        )
    of_degradation = instantiate(method)
    if not given:
        require_kind(instantiate(config), of_degradation.keywords["rule"], options.method)
    told = _sigma(options, config)
    opened: PictureMethod = of_degradation(degradation=instantiate(config, **told), device=device)
    return opened


def _sigma(options: Namespace, degradation: DictConfig) -> dict[str, float]:
    """What the degradation is told of its noise: nothing where it has none, or is that of the file."""
    if "sigma" not in degradation and options.sigma is not None:
        raise ValueError(f"--sigma is {options.sigma}; {options.degradation} has none")
    if "sigma" in degradation and not options.degrade and not isinstance(options.sigma, float):
        raise ValueError(f"--sigma must be that of the noise in y, 0 for none, with --method, got {options.sigma}")
    return {} if options.sigma is None else {"sigma": options.sigma}


class WholePicture:
    """A picture as a method takes it; a denoiser itself may work by windows.

    Args:
        method: that restores.

    Attributes:
        called: is called at each call of the network.
        way: to the first sample of what was drawn last: y, and what the network returned at ``SHOWN`` equally distant
            calls, (C, H, W) uint8.
    """

    side = overlap = receptive_field = None
    exact = True

    def __init__(self, method: PictureMethod) -> None:
        self.method = method
        self.called: Callable[[], None] = lambda: None
        self.way: list[Tensor] = []
        self._calls = 0

    def windows(self, y: RestorationInput) -> list[Window]:
        """The whole."""
        return [Window(0, 0, y.info.height, y.info.width)]

    def draw(
        self, y: RestorationInput, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K, each (1, c, h, w) about [0, 1], projected, neither clipped nor rounded."""
        measurement = y.measurement(window)
        self.way, self._calls = [to_pixels(measurement.degraded[0])], 0
        for sample in self.method.samples(measurement, num_samples, [seed], self._called):
            yield y.project(sample.float(), window)

    def _called(self, returned: Tensor) -> None:
        calls = self.method.rule.calls
        if self._calls in {round(place * (calls - 1) / (SHOWN - 1)) for place in range(SHOWN)}:
            self.way.append(to_pixels(returned[0]))
        self._calls += 1
        self.called()

    def cost(self, y: RestorationInput, num_samples: int) -> str:
        """In words: calls of the network, and about how long they take."""
        return self.method.cost(y.info.height, y.info.width, num_samples)
