"""What an output folder says of its pictures: ``restore.json``, how they were made, and ``restore.jsonl``, of each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...data.image_io.safe_read import require_regular
from ..runs.atomic_write import atomic_write, naming_in_errors

if TYPE_CHECKING:
    from torch import nn

    from ..inference.sampler import LoadedSampler
    from .by_method import PictureMethod, WholePicture
    from .tiling import Tiling
    from .transported_tiling import TransportedTiling

STARTS, RECORDS = "restore.json", "restore.jsonl"


class Records:
    """``restore.jsonl``: a line of JSON a picture, added before its files are put in place; the last of a name counts.

    So all files that are in place are on record, whatever ended the program, and a picture of which one is missing is
    to be restored again.

    Args:
        folder: for output, new or not.

    Raises:
        ValueError: naming the file, if it holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._end, self._repeated = folder / RECORDS, 0, False
        self._made_of: dict[str, tuple[str, str] | None] = {}  # by name, of pictures of earlier calls
        for record, end in _lines(self._path):
            self._end, self._repeated = end, self._repeated or record["name"] in self._made_of
            self._made_of[record["name"]] = _made_of(record)

    def hold(self, record: dict[str, Any]) -> bool:
        """Whether a picture of this name has been restored by the same call from the same file."""
        return self._made_of.get(record["name"]) == _made_of(record)

    def append(self, record: dict[str, Any]) -> None:
        """Add one; an error does not replace the record of files that are there.

        Raises:
            OSError: naming the file, if it cannot be written.
        """
        if "error" in record and self._made_of.get(record["name"]):
            return
        line = f"{json.dumps(record)}\n".encode()
        with naming_in_errors(self._path), self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.seek(self._end)
            file.truncate()  # a line that was cut short
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._end += len(line)
        self._repeated |= record["name"] in self._made_of

    def close(self) -> None:
        """Leave one line a name, in the place of its first.

        Raises:
            OSError: naming the file, if it cannot be written.
        """
        if self._repeated:
            last = {record["name"]: json.dumps(record) for record, _ in _lines(self._path)}
            atomic_write(self._path, "".join(f"{line}\n" for line in last.values()))


def restored_names(folder: Path) -> set[str]:
    """With what the names of files below a folder begin that are on its record; none where that cannot be read."""
    try:
        return {record["name"] for record, _ in _lines(folder / RECORDS) if "error" not in record}
    except (OSError, ValueError):
        return set()


def _made_of(record: dict[str, Any]) -> tuple[str, str] | None:
    """None for an error."""
    return None if "error" in record else (record["call"], record["sha256"])


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Records and the places where they end; the last may be cut short by a kill."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
                _, _ = record["name"], _made_of(record)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}, is no record of a restored picture") from error
            yield record, file.tell()


def call_record(
    sampler: LoadedSampler | PictureMethod,
    tiling: Tiling | TransportedTiling | WholePicture,
    asked: Mapping[str, Any],
    opened: Mapping[str, str | None],
) -> dict[str, Any]:
    """What a call is on record with; ``call`` is a digest of all that pixels follow from beside the file.

    Args:
        sampler: that restores.
        tiling: how pictures are cut.
        asked: options on which pixels depend, as plain values.
        opened: names of models and files, which may be others of the same content.
    """
    from ...models.features.weights import weights_hash
    from ..inference.sampler import LoadedSampler
    from ..runs.provenance import provenance

    if isinstance(sampler, LoadedSampler):
        known = ("name", "images_seen", "degradation", "seed", "commit")
        model = {name: sampler.metadata[name] for name in known if name in sampler.metadata}
        run, network = sampler.run, cast("nn.Module", sampler.generator)
    else:
        model, run, network = (
            {"rule": str(sampler.rule), "degradation": opened["degradation"]},
            None,
            sampler.network,
        )
    made = provenance()
    settings = {
        "pscgan": made["pscgan"],
        "model": model | {"weights": weights_hash(network)},
        **asked,
        "tiles": {name: getattr(tiling, name) for name in ("side", "overlap", "receptive_field", "exact")},
    }
    return {
        "call": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12],
        **settings,
        "opened": opened["model"],
        "checkpoint": run and str(run.checkpoint),
        "device": str(sampler.device),
        **{name: value for name, value in opened.items() if name != "model"},
        **made,
    }


def note_start(folder: Path, start: dict[str, Any]) -> None:
    """Add to ``restore.json``, a list, what a call was made with.

    Raises:
        ValueError: naming the file, if it holds something else.
    """
    path = folder / STARTS
    try:
        starts = json.loads(path.read_text("utf-8")) if path.exists() else []
        starts.append(start)
    except (AttributeError, ValueError) as error:
        raise ValueError(f"{path} is no list of calls of pscgan restore; choose another --out") from error
    atomic_write(path, f"{json.dumps(starts, indent=2)}\n")


def sha256(files: Iterable[Path]) -> str:
    """Of the contents of files, one after the other.

    Raises:
        ValueError: with the reason, if one cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            require_regular(path)
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
        except OSError as error:
            raise ValueError(f"it cannot be opened: {error.strerror or error}") from error
    return digest.hexdigest()
