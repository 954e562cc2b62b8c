"""What libtiff says while it decodes: on the error stream, and then it often goes on as if nothing had been."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..error_stream import ONE_AT_A_TIME, error_stream

SIGNATURES = (b"II", b"MM")
_SAID = re.compile(r"^([\w.]+: .*\.|More samples per pixel.*)\n", re.MULTILINE)
_DAMAGE = re.compile(r"^\w*(Decode|JPEGLib|Fill\w+): .*|^.*Using code not yet in table.*", re.MULTILINE)


@contextmanager
def tiff_errors(data: bytes) -> Iterator[None]:
    """Keep the terminal free of them, and tell them as errors where they are about pixels. Other formats pass through.

    Only one thread at a time reads a TIFF; what others write to standard error meanwhile appears right afterwards.

    Raises:
        ValueError: with the first of them, if pixels are missing or guessed.
    """
    if not data.startswith(SIGNATURES):
        yield
        return
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        said = ""
        try:
            with error_stream(Path(folder) / "errors.txt") as read:
                try:
                    yield
                finally:
                    said = read()
        except (OSError, SyntaxError) as error:  # of little information: "decoder error -2"
            _raise_damage(said, error)
            raise
        finally:
            os.write(2, _SAID.sub("", said).encode())
    _raise_damage(said, None)


def _raise_damage(said: str, cause: Exception | None) -> None:
    damage = _DAMAGE.search(said)
    if damage:
        raise ValueError(damage[0]) from cause
