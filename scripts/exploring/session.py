"""From what the page asks to what it shows: the samples that ``pscgan restore`` writes."""

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ...data.degradations.jpeg import Jpeg
from ...models.spatial_latent import LatentField, LatentInterpolation, SpatialLatent
from ...models.transport.interpolation import Transport
from ...train.inference.sampler import LoadedSampler
from ...train.restore.open_image import ImageOpener
from ...train.restore.restoration_input import RestorationInput
from ...train.restore.tiling import SIDE, Tiling
from ...train.restore.transported_tiling import TransportedTiling
from .captions import mean_caption, reencoding_caption, sample_caption
from .picture import Average, Picture, Pixels
from .request import ViewRequest

T = TypeVar("T")
MAX_UPLOADS = 4
IF_CLEAN = "; if the picture is clean, say so: it is compressed first"


def message(kind: str, pixels: np.ndarray | None = None, **facts: Any) -> bytes:
    """One step of an answer: a line of JSON, and behind it as many bytes of pixels as its ``bytes`` says.

    Args:
        kind: picture, pane, sample, progress, mean, error or end.
        pixels: (H, W, C) of a pane, uint8 or uint16; 8 bits a value are sent, row by row.
        **facts: plain values.
    """
    if pixels is not None and pixels.dtype != np.uint8:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    data = b"" if pixels is None else pixels.tobytes()
    return json.dumps({"kind": kind, "bytes": len(data), **facts}).encode() + b"\n" + data


class Session:
    """Uploaded pictures, and views of them by one sampler.

    Features, average and shown sample of the picture that was asked for last are cached.

    Args:
        sampler: whose y a picture file holds.
        max_pixels: of a picture.
        seconds: after which no further sample is begun for one answer.
        transport: of its samples; None allows no α but 1.

    Raises:
        ValueError: if the sampler restores what no picture file holds.
    """

    def __init__(
        self, sampler: LoadedSampler, max_pixels: int, seconds: float, transport: Transport | None = None
    ) -> None:
        self.sampler, self.max_pixels, self.seconds, self.transport = sampler, max_pixels, seconds, transport
        self.opener = ImageOpener(sampler, max_pixels=max_pixels)
        self.tiling = Tiling(sampler, SIDE)
        self._uploads: OrderedDict[str, bytes] = OrderedDict()
        self._cache: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def upload(self, data: bytes) -> str:
        """Keep a file under an id that nobody guesses; of more than four the one that was used longest ago goes."""
        name = secrets.token_urlsafe(16)
        self._uploads[name] = data
        if len(self._uploads) > MAX_UPLOADS:
            self._uploads.popitem(last=False)
        return name

    def view(self, request: ViewRequest) -> Iterator[bytes]:
        """Messages of an answer: the sample at once, mean and standard deviation when they are there.

        Panes that the page holds are left out. When the time is over, mean and spread are those of the samples so far;
        the same request goes on from there, by one sample at least.

        Raises:
            ValueError: naming what this sampler or picture does not allow.
        """
        end = time.monotonic() + self.seconds
        picture = self._picture(request)
        y, known = picture.y, picture.clean is not None
        yield message("picture", **y.record, facts=y.facts, known=known)
        yield from self._pane(request, "y", request.picture_key, picture.degraded)
        if known:
            yield from self._pane(request, "x", request.picture_key, picture.truth)
        values, report = self._sample(request, picture)
        yield from self._pane(request, "sample", request.sample_key, lambda: values)
        words = sample_caption(request, report, self.sampler.stochastic)
        yield message("sample", words=words, proof=reencoding_caption(report), exact=report.get("levels_wrong") == 0)
        if self.sampler.stochastic:
            yield from self._mean_and_std(request, picture, end)

    def png(self, request: ViewRequest) -> bytes:
        """The shown sample as a file, with EXIF, profile and alpha of the picture; errors as in ``view``."""
        picture = self._picture(request)
        return picture.y.info.png(self._sample(request, picture).values)

    def _picture(self, request: ViewRequest) -> Picture:
        if not self.sampler.stochastic and (request.average, request.sample, request.share) != (1, 1, 0):
            raise ValueError("the model is deterministic; average and sample must be 1, and share 0")
        if self.transport is None and request.alpha != 1:
            raise ValueError(f"alpha must be 1 where no transport is given, got {request.alpha:g}")
        if request.picture not in self._uploads:
            raise ValueError("the picture is no longer in memory; choose it again")
        self._uploads.move_to_end(request.picture)
        key = *request.picture_key, request.alpha == 1
        return self._cached("picture", key, lambda: self._encoded(request)).at(request.alpha)

    def _encoded(self, request: ViewRequest) -> Picture:
        """With what a transport sees of it, where one is asked for."""
        y = self._open(request)
        if self.transport is None or request.alpha == 1:
            return Picture(self.tiling, y)
        return Picture(TransportedTiling(self.tiling, self.transport, request.alpha), y)

    def _open(self, request: ViewRequest) -> RestorationInput:
        self._cache.clear()
        sigma = None if request.sigma is None else float(request.sigma)
        opener = replace(self.opener, degrade=request.degrade, seed=request.seed, sigma=sigma)
        try:
            return opener.open(self._uploads[request.picture])
        except ValueError as error:
            hint = IF_CLEAN if isinstance(self.sampler.degradation, Jpeg) and not request.degrade else ""
            raise ValueError(f"{error}{hint}") from error

    def _sample(self, request: ViewRequest, picture: Picture) -> Pixels:
        def draw() -> Pixels:
            return picture.to_pixels(picture.draw(self._latent(request), request.sigma_z))

        return self._cached("sample", request.sample_key, draw)

    def _latent(self, request: ViewRequest) -> LatentField:
        numbers = request.sample, request.other
        first, last = (SpatialLatent(self.sampler.generator, [request.seed], number) for number in numbers)
        if 0 < request.share < 1:
            return LatentInterpolation(first, last, request.share)
        return last if request.share else first

    def _mean_and_std(self, request: ViewRequest, picture: Picture, end: float) -> Iterator[bytes]:
        average = self._average(request, picture)
        before = average.count
        while average.count < request.average and (average.count == before or time.monotonic() < end):
            average.add()
            yield message("progress", done=average.count, of=request.average)
        count = average.count
        key = (*request.samples_key, count)
        (values, report), std = self._cached("mean", key, lambda: (picture.to_pixels(average.mean()), average.std()))
        yield from self._pane(request, "mean", key, lambda: values, count=count)
        largest = float(std.max())  # white
        grey = np.rint(std * np.float32(255 / (largest or 1.0))).astype(np.uint8)
        yield from self._pane(request, "std", key, lambda: grey, count=count, largest=255 * largest)
        words = mean_caption(request, count, report, average.gain_db())
        stopped = f" Stopped after {self.seconds:g} s, before {request.average}." if count < request.average else ""
        yield message("mean", words=words + stopped, done=count, of=request.average)

    def _average(self, request: ViewRequest, picture: Picture) -> Average:
        """The cached one, unless it has samples too many."""
        if "average" in self._cache and self._cache["average"][1].count > request.average:
            del self._cache["average"]
        return self._cached("average", request.samples_key, lambda: Average(picture, request.seed, request.sigma_z))

    def _pane(
        self, request: ViewRequest, name: str, key: tuple[Any, ...], pixels: Callable[[], np.ndarray], **facts: Any
    ) -> Iterator[bytes]:
        text = repr((name, *key))
        if text not in request.held:
            values = pixels()
            yield message("pane", values, name=name, key=text, channels=values.shape[2], **facts)

    def _cached(self, name: str, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """The last value of this name, if its key is the same; else a new one."""
        if name not in self._cache or self._cache[name][0] != key:
            self._cache[name] = (key, make())
        found: T = self._cache[name][1]
        return found
