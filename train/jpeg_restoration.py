"""Samples of real .jpg files: from a trained run, each moved to where libjpeg writes the very file of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from hydra.utils import instantiate
from torch import Tensor

from ..data.degradations.jpeg import Jpeg
from ..data.jpeg.certificate import Certificate
from ..data.jpeg.coded import SAMPLINGS
from ..data.jpeg.file import JpegFile
from ..data.jpeg.grey_as_colour import grey_as_colour
from ..data.jpeg.linear import TO_YCC
from ..data.jpeg.rough_quality import RoughQuality, rough_quality
from ..data.measurement import Measurement
from ..models.generator import scale_latent
from ..rng import Rng
from .trained import Trained

NAMES = {sampling: name for name, sampling in SAMPLINGS.items()}


class UnsuitableJpeg(ValueError):
    """A file of which this run cannot draw samples."""


class JpegRestorer:
    """A trained run before real files.

    Args:
        trained: of which samples are drawn.
        slack: by how many quantisation steps levels may miss the file's, for files of encoders that do not round to the
            nearest; certificates count whatever differs.

    Raises:
        ValueError: if the run was not trained on JPEG.
    """

    def __init__(self, trained: Trained, slack: float = 0.0) -> None:
        if not isinstance(trained.degradation, Jpeg):
            kind = type(trained.degradation).__name__
            raise ValueError(
                f"JPEG files are restored by a run trained on JPEG; {trained.checkpoint} was trained on {kind}"
            )
        self.trained, self.seen = trained, trained.degradation
        self.projection: Jpeg = instantiate(trained.config.degradation, slack=slack)

    def open(self, file: JpegFile) -> JpegRestoration:
        """Begin with one file.

        Raises:
            UnsuitableJpeg: if it has colour and the run knows only grey.
        """
        if len(file.decoded) > self.trained.image_channels:
            raise UnsuitableJpeg(f"it has colour; allowed for {self.trained.checkpoint}, trained on grey, is grey")
        return JpegRestoration(self, file)

    def mismatch(self, file: JpegFile) -> str | None:
        """What of the file's tables and sampling the run has not seen, and what it has; None if it has seen such."""
        found, chroma = rough_quality(file.coded), file.coded.sampling
        low, high, samplings = self.seen.low, self.seen.high, self.seen.samplings
        known = found.exact and low <= found.quality <= high and (len(file.decoded) == 1 or chroma in samplings)
        if known:
            return None
        colour = f" at {NAMES[chroma]}" if len(file.decoded) > 1 else " in grey"
        seen = f"{low}" if low == high else f"{low} to {high}"
        at = f" at {', '.join(NAMES[sampling] for sampling in samplings)}" if self.trained.image_channels > 1 else ""
        return f"its tables are {described(found)}{colour}; the run was trained on quality {seen}{at}"


class JpegRestoration:
    """One file before a trained run.

    A grey file is told to a run that knows colour as colour without chroma; of what comes, the luma is taken. So images
    have as many channels as the file.
    """

    def __init__(self, restorer: JpegRestorer, file: JpegFile) -> None:
        trained = restorer.trained
        self.trained, self.projection = trained, restorer.projection
        self.shown = file.decoded.to(trained.device)
        self.measurement: Measurement = self.projection.measure(file.coded, file.decoded[None]).to(trained.device)
        self.condition = self.measurement.condition
        if len(file.decoded) < trained.image_channels:
            told = grey_as_colour(file.coded, restorer.seen.samplings[0])
            colour = self.projection.measure(told, file.decoded.expand(3, -1, -1)[None])
            self.condition = colour.condition.to(trained.device)

    def draw(self, num_samples: int, seed: int, sigma_z: float = 1.0) -> Iterator[Tensor]:
        """Samples 1 to K, each (1, C, H, W) fp32 about 0..1, projected in real numbers, neither clipped nor rounded.

        Encoded once, decoded one by one to bound memory. z of sample k is a function of (seed, k) and of the size of
        the picture, so the first samples are the same whatever K is; it is drawn on the CPU, for any device.
        """
        generator, (height, width) = self.trained.generator, self.shown.shape[-2:]
        features: Any = None
        for number in range(1, num_samples + 1):
            with torch.inference_mode():
                features = generator.encode(self.condition) if features is None else features
                latent = generator.draw_latent(1, height, width, Rng(seed, "restore", [number]))
                on_device = [z.to(self.trained.device) for z in scale_latent(latent, sigma_z)]
                drawn = generator.decode(features, on_device)[0].float()
                sample = self.projection.project(self._as_file(drawn), self.measurement)
            yield sample

    @torch.inference_mode()
    def finish(self, image: Tensor) -> tuple[Tensor, Certificate]:
        """The 8-bit picture (C, H, W) near (1, C, H, W), and what libjpeg makes of it."""
        pixels = self.projection.finish(image.float(), self.measurement)
        return pixels[0], self.projection.certify(pixels, self.measurement)

    def psnr_to_plain_decode(self, pixels: Tensor) -> float:
        """In dB, of (C, H, W) uint8 against what a decoder shows; infinite for the same pixels."""
        mse = (pixels.double() - self.shown.double()).square().mean()
        return float(10 * torch.log10(255**2 / mse))

    def _as_file(self, image: Tensor) -> Tensor:
        """With the channels of the file."""
        if image.shape[1] == len(self.shown):
            return image
        weights = image.new_tensor(TO_YCC[0]).view(1, -1, 1, 1)
        return (weights * image).sum(dim=1, keepdim=True)


def described(quality: RoughQuality) -> str:
    """In words."""
    return (
        f"those of quality {quality.quality}"
        if quality.exact
        else f"not libjpeg's, nearest to quality {quality.quality}"
    )
