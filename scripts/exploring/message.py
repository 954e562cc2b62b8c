"""What travels to the page: a line of JSON and, of a pane, its pixels behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Message:
    """One step of an answer.

    Attributes:
        kind: picture, pane, sample, progress, mean, error or end.
        facts: plain values by name.
        pixels: (H, W, C) of a pane, uint8 or uint16; None of anything else.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    pixels: np.ndarray | None = None

    @property
    def encoded(self) -> bytes:
        """A line, in which ``bytes`` is the number of those that follow it: 8 bits a value, row by row."""
        payload = b"" if self.pixels is None else _8_bits(self.pixels).tobytes()
        said = {"kind": self.kind, "bytes": len(payload), **self.facts}
        return json.dumps(said).encode() + b"\n" + payload


def _8_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
