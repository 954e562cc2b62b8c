"""Learning rates as pure functions of the images seen."""

import math


class Schedule:
    """Factor on the learning rates of both networks: a linear warm-up, then a half cosine down to a floor.

    Args:
        images: length of the run; the cosine ends there.
        warmup_images: length of the linear rise from 0.
        floor: factor at the end; 1 keeps the rate constant after the warm-up.

    Raises:
        ValueError: if the warm-up is not shorter than ``images``, or the floor outside [0, 1].
    """

    def __init__(self, images: int, warmup_images: int = 0, floor: float = 1.0) -> None:
        if not 0 <= warmup_images < images:
            raise ValueError(f"warmup_images must be >= 0 and < images ({images}), got {warmup_images}")
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must be in [0, 1], got {floor}")
        self.images, self.warmup_images, self.floor = images, warmup_images, floor

    def __call__(self, images_seen: int) -> float:
        """The factor for the step that follows ``images_seen`` images."""
        if images_seen < self.warmup_images:
            return (images_seen + 1) / self.warmup_images
        progress = min(1.0, (images_seen - self.warmup_images) / (self.images - self.warmup_images))
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * progress))
