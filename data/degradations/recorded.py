"""Nothing is computed: y was recorded by a camera."""

from torch import Tensor

from ...rng import Rng
from ..from_image import ImageSideInfo, ParsedMeasurement
from ..measurement import Measurement


class Recorded:
    """y is what was recorded beside x; of p(y | x) nothing is known but such pairs.

    A ``PairedDegradation``. There is no operator: nothing says how far a restoration is from explaining y, and every
    image may explain it.
    """

    num_maps, unit = 0, 1
    accepted_side_info: tuple[str, ...] = ()
    residual_unit: str | None = None

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """Refused, always.

        Raises:
            ValueError: as no y follows from x.
        """
        raise ValueError(
            "degradation is Recorded, which makes no y of a clean image: give pairs, by dataset=pairs to train, by "
            "images.recorded to evaluate"
        )

    def split_pairs(self, pairs: Tensor) -> tuple[Tensor, Measurement]:
        """Clean images (B, C, H, W) and their measurements, of pairs (B, 2C, H, W).

        Raises:
            ValueError: if these are no pairs of grey or colour images.
        """
        if pairs.shape[1] not in (2, 6):
            raise ValueError(f"pairs must have 2 channels (grey) or 6 (colour), got {pairs.shape[1]}")
        clean, recorded = pairs.chunk(2, dim=1)
        return clean.contiguous(), self.measure(recorded.contiguous())

    def measure(self, degraded: Tensor) -> Measurement:
        """The measurement that recorded images (B, C, H, W) are."""
        return Measurement(degraded)

    def from_image(self, picture: Tensor, side_info: ImageSideInfo) -> ParsedMeasurement:
        """See ``FromImage``: any picture is a recording."""
        return ParsedMeasurement(self.measure(picture))

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """Refused, always.

        Raises:
            ValueError: as no operator is known.
        """
        raise ValueError("degradation is Recorded, which has no residual: what turns x into y is not known")

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity: every image may explain every recording."""
        return restored
