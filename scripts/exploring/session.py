"""From what a page asks to what it shows: the samples that ``pscgan restore`` writes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ...data.degradations.jpeg import Jpeg
from ...data.image_io.write_png import encode_png
from ...models.spatial_latent import LatentField, LatentInterpolation, SpatialLatent
from ...train.inference.sampler import LoadedSampler
from ...train.restore.open_image import ImageOpener, OpenedImage
from ...train.restore.tiling import SIDE, Tiling
from .average import Average
from .message import Message
from .picture import Finished, Picture
from .refusal import Refusal
from .shelf import Shelf
from .wanted import Wanted
from .words import is_exact, mean_words, proof_words, sample_words

Kept = TypeVar("Kept")
IF_CLEAN = "; if the picture is clean, say so: it is compressed first"


class Session:
    """Pictures before one sampler. What is slow to get is kept of the picture at hand alone: features, sums, a sample.

    Args:
        sampler: whose y a picture file holds.
        max_pixels: of a picture.
        seconds: after which no further sample is begun for one answer.

    Raises:
        ValueError: if the sampler restores what no picture file holds.
    """

    def __init__(self, sampler: LoadedSampler, max_pixels: int, seconds: float) -> None:
        self.sampler, self.max_pixels, self.seconds = sampler, max_pixels, seconds
        self.opener = ImageOpener(sampler, max_pixels=max_pixels)
        self.tiling = Tiling(sampler, SIDE)
        self.shelf = Shelf()
        self._kept: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def view(self, asked: Wanted) -> Iterator[Message]:
        """An answer step by step: the sample at once, mean and spread when they are there.

        Panes that the page holds are left out. When the time is over, mean and spread are those of the samples so far;
        the same question goes on from there, by one sample at the least.

        Raises:
            ValueError: naming what this sampler or picture does not allow.
        """
        end = time.monotonic() + self.seconds
        picture = self._picture(asked)
        yield self._about(picture)
        yield from self._pane(asked, "y", asked.opened_as, picture.degraded)
        if picture.clean is not None:
            yield from self._pane(asked, "x", asked.opened_as, picture.truth)
        yield from self._shown_sample(asked, picture)
        if self.sampler.stochastic:
            yield from self._mean_and_std(asked, picture, end)

    def png(self, asked: Wanted) -> bytes:
        """The shown sample as a file, with what travels with its pixels; errors as in ``view``."""
        picture = self._picture(asked)
        pixels, info = self._sample(asked, picture).pixels, picture.y.info
        return encode_png(torch.from_numpy(pixels).movedim(-1, 0), info.exif, info.icc_profile, info.alpha)

    def _picture(self, asked: Wanted) -> Picture:
        if not self.sampler.stochastic and (asked.average, asked.sample, asked.share) != (1, 1, 0):
            raise ValueError("average, sample and share are more than one sample needs, and the model is deterministic")
        data = self.shelf.get(asked.picture)
        return self._keep("picture", asked.opened_as, lambda: Picture(self.tiling, self._opened(asked, data)))

    def _opened(self, asked: Wanted, data: bytes) -> OpenedImage:
        self._kept.clear()
        sigma = None if asked.sigma is None else float(asked.sigma)
        opener = replace(self.opener, degrade=asked.degrade, seed=asked.seed, sigma=sigma)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture"
            path.write_bytes(data)
            try:
                return opener.open(path)
            except ValueError as error:
                reason = str(error).removeprefix(f"{path}: ")
                hint = IF_CLEAN if isinstance(self.sampler.degradation, Jpeg) and not asked.degrade else ""
                raise Refusal(f"{reason}{hint}") from error

    def _about(self, picture: Picture) -> Message:
        y = picture.y
        return Message("picture", y.record | {"facts": y.facts, "known": picture.clean is not None})

    def _pane(
        self, asked: Wanted, name: str, made_of: tuple[Any, ...], pixels: Callable[[], np.ndarray | None], **facts: Any
    ) -> Iterator[Message]:
        key = repr((name, *made_of))
        if key not in asked.held:
            made = pixels()
            assert made is not None
            yield Message("pane", {"name": name, "key": key, "channels": made.shape[2], **facts}, made)

    def _shown_sample(self, asked: Wanted, picture: Picture) -> Iterator[Message]:
        pixels, proof = self._sample(asked, picture)
        yield from self._pane(asked, "sample", asked.shown_as, lambda: pixels)
        words = sample_words(asked, proof, self.sampler.stochastic)
        yield Message("sample", {"words": words, "proof": proof_words(proof), "exact": is_exact(proof)})

    def _sample(self, asked: Wanted, picture: Picture) -> Finished:
        return self._keep(
            "sample", asked.shown_as, lambda: picture.finish(picture.draw(self._field(asked), asked.sigma_z))
        )

    def _field(self, asked: Wanted) -> LatentField:
        first, last = (SpatialLatent(self.sampler.generator, [asked.seed], n) for n in (asked.sample, asked.other))
        return LatentInterpolation(first, last, asked.share) if 0 < asked.share < 1 else last if asked.share else first

    def _mean_and_std(self, asked: Wanted, picture: Picture, end: float) -> Iterator[Message]:
        average = self._average(asked, picture)
        before = average.count
        while average.count < asked.average and (average.count == before or time.monotonic() < end):
            average.add()
            yield Message("progress", {"done": average.count, "of": asked.average})
        count = average.count
        made_of = (*asked.averaged_as, count)
        (pixels, proof), std = self._keep("mean", made_of, lambda: (picture.finish(average.mean()), average.std()))
        yield from self._pane(asked, "mean", made_of, lambda: pixels, count=count)
        yield from self._pane(asked, "std", made_of, lambda: _grey(std), count=count, largest=255 * float(std.max()))
        words = mean_words(count, asked.sigma_z, proof, average.gain())
        stopped = f" Stopped after {self.seconds:g} s, before {asked.average}." if count < asked.average else ""
        yield Message("mean", {"words": words + stopped, "done": count, "of": asked.average})

    def _average(self, asked: Wanted, picture: Picture) -> Average:
        def begun() -> Average:
            return Average(picture, asked.seed, asked.sigma_z)

        average = self._keep("average", asked.averaged_as, begun)
        if average.count > asked.average:
            del self._kept["average"]
            average = self._keep("average", asked.averaged_as, begun)
        return average

    def _keep(self, what: str, made_of: tuple[Any, ...], make: Callable[[], Kept]) -> Kept:
        """The last one, if it was made of the same."""
        kept = self._kept.get(what)
        if kept is None or kept[0] != made_of:
            made = make()
            self._kept[what] = (made_of, made)
            return made
        found: Kept = kept[1]
        return found


def _grey(std: np.ndarray) -> np.ndarray:
    """(H, W) as (H, W, 1) uint8 on a linear scale from 0 to its largest value."""
    return np.rint(std * np.float32(255 / (float(std.max()) or 1.0))).astype(np.uint8)[..., None]
