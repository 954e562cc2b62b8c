"""Methods: what is evaluated, and from what it is opened."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from hydra.utils import instantiate
from omegaconf import MISSING, OmegaConf
from torch import Tensor, nn

from ...data.degradation import Degradation
from ...data.measurement import Measurement
from ...models.baselines.denoisers import DnCNN, FFDNet
from ...models.features.weights import weights_hash
from ..inference.by_denoiser import ByDenoiser, method_config
from ..inference.by_gan import ByGan
from ..inference.load import load
from ..inference.load_run import RunSource
from ..inference.sampler import LoadedSampler
from ..inference.transported import Transported
from ..runs.override_errors import option_names
from ..sampling import Restorer
from .naming import ALLOWED, DEGRADED, named_values


class Degraded:
    """The measurement itself: the noisy image, or what an ordinary decoder shows of a .jpg file."""

    stochastic = False

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        return measurement.degraded.float()[None]


class Deterministic:
    """Any function of a measurement that gives one image.

    Args:
        function: a measurement of B images to (B, C, H, W) in [0, 1].
    """

    stochastic = False

    def __init__(self, function: Callable[[Measurement], Tensor]) -> None:
        self.function = function

    def restore(self, measurement: Measurement, num_samples: int, seeds: Sequence[int], sigma_z: float = 1.0) -> Tensor:
        return self.function(measurement).float()[None]


@dataclass(frozen=True)
class Method:
    """A restorer and what is known of it.

    Attributes:
        name: in tables; of its records' folder as well.
        restorer: what draws.
        about: plain values for the report.
        networks: identities of the frozen networks it was trained with.
    """

    name: str
    restorer: Restorer
    about: dict[str, Any]
    networks: tuple[str, ...] = field(default=())


class Methods:
    """What a user has named, before a degradation is known; of models also what they were trained on.

    Attributes:
        weights: hashes of them, of models and, once they are built, of the denoisers of methods.
    """

    def __init__(self, methods: Any, device: torch.device, samples_per_pass: int = 1, denoiser: Any = None) -> None:
        self.device = device
        self.values = {
            name: method_config(value, denoiser) if value in option_names("method") else value
            for name, value in named_values(methods).items()
        }
        self.loaded: dict[str, LoadedSampler] = {
            name: load(value, device, samples_per_pass=samples_per_pass, trust_code=True)
            for name, value in self.values.items()
            if isinstance(value, str) and value != DEGRADED
        }
        networks = {name: cast(nn.Module, loaded.generator) for name, loaded in self.loaded.items()}
        self.weights = {name: weights_hash(network) for name, network in networks.items()}

    @property
    def first_run(self) -> RunSource | None:
        """The first run among them."""
        return next((loaded.run for loaded in self.loaded.values() if loaded.run is not None), None)

    @property
    def first(self) -> LoadedSampler | None:
        """The first model among them."""
        return next(iter(self.loaded.values()), None)

    def build(self, degradation: Degradation) -> list[Method]:
        """All, in the order they were named.

        Raises:
            ValueError: naming one that is no method.
        """
        return [self._build(name, value, degradation) for name, value in self.values.items()]

    def _build(self, name: str, value: Any, degradation: Degradation) -> Method:
        loaded = self.loaded.get(name)
        if loaded is not None:
            networks = tuple(loaded.metadata["feature_networks"])
            return Method(name, _sampler(name, loaded, degradation), _about(loaded, value), networks)
        if value == DEGRADED:
            return Method(name, Degraded(), {"kind": DEGRADED})
        if not isinstance(value, Mapping):
            raise ValueError(f"methods.{name} must be {ALLOWED}; got {value}")
        missing = next((key for key, given in value.items() if given == MISSING), None)
        if missing is not None:
            raise ValueError(f"methods.{name}.{missing} must be given")
        restorer = instantiate(OmegaConf.create(dict(value)))
        if value.get("_partial_"):
            restorer = restorer(degradation=degradation, device=self.device)
            if isinstance(restorer, ByDenoiser | ByGan):
                self.weights[name] = weights_hash(restorer.network)
            if isinstance(restorer, Transported):
                self.weights[name] = restorer.identity
        if not (hasattr(restorer, "restore") and hasattr(restorer, "stochastic")):
            raise ValueError(
                f"methods.{name} must have restore and stochastic (pscgan.train.sampling.Restorer), got a "
                f"{type(restorer).__name__}"
            )
        if isinstance(restorer, nn.Module):
            restorer = restorer.to(self.device).eval()
        return Method(name, restorer, {"kind": "callable", **value})


def _sampler(name: str, loaded: LoadedSampler, degradation: Degradation) -> Restorer:
    try:
        return loaded.on(degradation)
    except ValueError as error:
        raise ValueError(f"methods.{name}: {error}") from None


def _about(sampler: LoadedSampler, value: str) -> dict[str, Any]:
    metadata, run = sampler.metadata, sampler.run
    source = {"kind": "export", "file": Path(value).name}
    return {
        **(source if run is None else {"kind": "run", "checkpoint": run.checkpoint.name}),
        "run": metadata["name"],
        "images seen": metadata["images_seen"],
        "parameters": sum(parameter.numel() for parameter in cast(nn.Module, sampler.generator).parameters()),
        "degradation": metadata["degradation"],
        "seed": metadata["seed"],
    }


def dncnn(weights: str, sigma: float = 25) -> Deterministic:
    """``DnCNN`` with the weights of a file, for grey images of one noise level."""
    return _denoiser(DnCNN(weights, sigma))


def ffdnet(weights: str) -> Deterministic:
    """``FFDNet`` with the weights of a file, colour or grey, for any noise level."""
    return _denoiser(FFDNet(weights))


def _denoiser(network: nn.Module) -> Deterministic:
    def restore(measurement: Measurement) -> Tensor:
        if "sigma" not in measurement.params:
            known = ", ".join(measurement.params) or "nothing"
            raise ValueError(f"the measurement must know sigma, as that of GaussianNoise, got {known}")
        degraded = measurement.degraded.float()
        restored: Tensor = network.to(degraded.device)(degraded, measurement.params["sigma"].float())
        return restored

    return Deterministic(restore)


def training_overlap(extractor: str, feature_networks: Sequence[str]) -> list[str]:
    """Identities of a method's frozen networks whose weights are the extractor's, whatever the layers.

    Args:
        extractor: ``identity`` of an extractor.
        feature_networks: identities as ``run.json`` has them, or ``feature_networks`` of a ``GANStep``.
    """
    return [network for network in feature_networks if _weights(network) == _weights(extractor)]


def _weights(identity: str) -> list[str]:
    return re.findall(r"sha256 ([0-9a-f]{12})", identity)
