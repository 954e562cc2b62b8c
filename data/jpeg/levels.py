"""The levels of a .jpg, read by the libjpeg of jpeglib."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import jpeglib
import numpy as np
import torch
from torch import Tensor

from ..error_stream import ONE_AT_A_TIME, error_stream

_HARMLESS = re.compile(r"(Corrupt JPEG data: \d+ extraneous bytes before marker|Invalid SOS parameters).*\n")
_DAMAGE = re.compile(r"(Corrupt JPEG data|Premature end of JPEG file|Inconsistent progression sequence).*\n")


class Levels(NamedTuple):
    """As libjpeg found them.

    Attributes:
        height: of the picture in pixels.
        width: likewise.
        levels: by component, int16 (8 rows, 8 columns), laid out as in ``coded.Coded``.
        tables: quantisation steps, int32 (components, 8, 8).
    """

    height: int
    width: int
    levels: list[Tensor]
    tables: Tensor


def read_levels(data: bytes) -> Levels:
    """Read the levels of a .jpg whose header has been judged.

    It must be free of metadata: an empty comment before other segments makes jpeglib write beyond its memory, and of
    more than 50 segments it reads none. Only one thread at a time reads; what others write to standard error
    meanwhile appears right afterwards.

    Args:
        data: the file as ``segments.levels_only`` leaves it.

    Raises:
        ValueError: with libjpeg's reason if the scans are damaged, also where it would guess and go on.
    """
    # jpeglib keeps what it reads in globals
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "levels.jpg"
        path.write_bytes(data)
        with error_stream(Path(folder) / "errors.txt") as said:
            try:
                jpeg = jpeglib.read_dct(str(path))
                jpeg.load()
            except OSError as error:
                raise ValueError(f"its scans are damaged: {said() or error}") from error
        _judge(said())
    blocks = [jpeg.Y, jpeg.Cb, jpeg.Cr][: jpeg.num_components]
    levels = [torch.from_numpy(part).transpose(1, 2).flatten(2).flatten(0, 1) for part in blocks]
    tables = torch.from_numpy(jpeg.qt[jpeg.quant_tbl_no].astype(np.int32))
    return Levels(int(jpeg.height), int(jpeg.width), levels, tables)


def _judge(said: str) -> None:
    said = _HARMLESS.sub("", said)
    damage = _DAMAGE.search(said)
    os.write(2, _DAMAGE.sub("", said).encode())  # of other threads
    if damage:
        raise ValueError(f"its scans are damaged: {damage[0]}")
