"""Blur by a kernel, the same for all images or drawn for each, with a periodic border."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ....linear_problem import Gain
from ....rng import Rng
from ...from_image import ImageSideInfo
from ...measurement import size_of
from .blur_kernels import BlurKernel
from .protocol import Params, ParsedImage

MIN_GAIN = 1e-6  # below it a frequency counts as lost
ROUNDING = 1 / (255 * math.sqrt(12))  # standard deviation of rounding to 8 bits
POWER = 3e-4  # f² S of the bundled photographs: 6e-4 at 1/64, 7e-5 at 0.45 cycles a pixel, geometric means
RINGS, SECTORS, GRID = 3, 4, 64


class Blur:
    """Circular convolution of each channel: y = k * x, in the Fourier domain Y = K X.

    The border is periodic, as in DPIR (arXiv 2008.13751), because then the adjoint and the Wiener filter are exact, at
    the border too. A⁺ divides by gains that may be almost nothing, so that samples are not projected.

    Shown is the Wiener estimate under a power spectrum like that of photographs (Field 1987), f in cycles a pixel::

        K̄ Y / (|K|² + σ²/S),    S = POWER / f²

    without noise with that of rounding to 8 bits; the mean of the image is kept. It is |K|² X / (...) plus noise: what
    it has lost depends on |K| alone. So where kernels are drawn, the maps tell the mean of |K|, 0 to 1 for kernels
    without negative weights, over each of 12 bands, 3 of frequency by 4 of direction, as constants.

    Args:
        kernel: where kernels come from.
    """

    exact = False

    def __init__(self, kernel: BlurKernel) -> None:
        self.kernel = kernel
        self.num_maps = RINGS * SECTORS if kernel.drawn else 0
        self.accepted_side_info = ("kernel",) if kernel.drawn else ()

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """``kernel``, (B, h, w) float64 of sum 1.

        Raises:
            ValueError: if it is larger than the image.
        """
        return _params(self.kernel.draw(rng), clean)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedImage:
        """A picture and, where kernels are drawn, the kernel given with it."""
        if self.kernel.drawn and side_info.kernel is None:
            raise ValueError("kernel must be given, as a picture does not show it, got None")
        kernel = self.kernel.draw(Rng(0, "kernel", [0])) if side_info.kernel is None else side_info.kernel[None]
        return ParsedImage(picture, _params(kernel, picture), size_of(picture), {"kernel_size": list(kernel.shape[1:])})

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W), the same size."""
        return _filtered(image, transfer(params["kernel"], size_of(image)))

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        return _filtered(measured, transfer(params["kernel"], size).conj())

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        K = transfer(params["kernel"], size)
        there = K.abs() > MIN_GAIN
        return _filtered(measured, torch.where(there, 1 / torch.where(there, K, 1), 0))

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """S = |K|, the same at f and −f, so that a real image stays real."""
        return _filtered(image, gain(transfer(params["kernel"], size_of(image)).abs()))

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        K = transfer(params["kernel"], size)
        vertical, horizontal = _frequencies(size)
        noise_to_signal = (max(sigma, ROUNDING) ** 2 / POWER * (vertical.square() + horizontal.square())).to(K.device)
        return _filtered(measured, K.conj() / (K.abs().square() + noise_to_signal))

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor | None:
        """The mean gain in each band, (B, 12, H, W) float32; None where the kernel is fixed."""
        if not self.num_maps:
            return None
        return band_gains(params["kernel"]).float()[..., None, None].expand(-1, -1, *size)


def _params(kernel: Tensor, image: Tensor) -> dict[str, Tensor]:
    rows, columns = size_of(image)
    if kernel.shape[1] > rows or kernel.shape[2] > columns:
        shape = f"{kernel.shape[1]} x {kernel.shape[2]}"
        raise ValueError(f"kernel must be at most as large as the image, {rows} x {columns} pixels, got {shape}")
    return {"kernel": kernel.contiguous().to(image.device)}


def transfer(kernel: Tensor, size: tuple[int, int]) -> Tensor:
    """K of kernels (B, h, w) about their centres, at the frequencies of ``rfft2``, (B, 1, H, W // 2 + 1) complex."""
    phases = [
        torch.exp(-2j * math.pi * frequency.flatten()[:, None] * (torch.arange(side, device="cpu") - side // 2)).to(
            kernel.device
        )
        for frequency, side in zip(_frequencies(size), kernel.shape[-2:], strict=True)
    ]
    K: Tensor = phases[0] @ kernel.to(phases[0]) @ phases[1].T
    return K[:, None]


def band_gains(kernel: Tensor) -> Tensor:
    """Mean of |K| of (B, h, w) over each band, (B, 12): from 0 up to 1/8, 1/4 and all cycles a pixel; 4 directions."""
    grid = max(GRID, *kernel.shape[-2:])
    size = (grid, grid)
    vertical, horizontal = _frequencies(size)
    ring = torch.bucketize(torch.hypot(vertical, horizontal), vertical.new_tensor([1 / 8, 1 / 4]))
    sector = (torch.atan2(vertical, horizontal) / math.pi * SECTORS).round().long() % SECTORS
    belongs = F.one_hot(SECTORS * ring + sector, RINGS * SECTORS).double().flatten(0, 1).to(kernel.device)
    means: Tensor = transfer(kernel, size).abs().flatten(1) @ (belongs / belongs.sum(dim=0))
    return means


def _filtered(image: Tensor, factors: Tensor) -> Tensor:
    spectrum = torch.fft.rfft2(image if image.dtype == torch.float64 else image.float())
    filtered: Tensor = torch.fft.irfft2(spectrum * factors.to(spectrum), s=size_of(image))
    return filtered.to(image.dtype)


def _frequencies(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Cycles a pixel, (H, 1) and (1, W // 2 + 1) float64."""
    vertical = torch.fft.fftfreq(size[0], dtype=torch.float64, device="cpu")[:, None]
    return vertical, torch.fft.rfftfreq(size[1], dtype=torch.float64, device="cpu")[None]
