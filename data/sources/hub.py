"""Image files of a data set of Hugging Face."""

from pathlib import Path
from typing import Any

from ...checks import optional_package
from ..image_io.safe_read import require_regular
from .names import Names

PREFIX = "hf:"
FORM = "hf:NAME, with ?split=SPLIT&column=COLUMN where there are several"


class HubDataset:
    """The images of one column of a map-style data set: Arrow files, mapped into memory and read at random.

    Pixels are left to our own decoder: the library hands out the bytes of the files.

    Args:
        root: ``hf:`` and a folder written by ``save_to_disk``, or whatever ``datasets.load_dataset`` takes: a name on
            the hub, a folder of images or parquet files. ``?split=`` chooses one of several splits, ``&column=`` one of
            several columns of images.

    Attributes:
        names: numbers of the rows, padded with zeros to one length.

    Raises:
        ValueError: if the package ``datasets`` is not installed, the data set cannot be loaded, or split or column are
            not there or not unique.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, root: str) -> None:
        self.root = root
        name, options = _parse(root)
        data = _only_split(root, _load(root, name, options.get("split")), options.get("split"))
        self.version = str(data._fingerprint)  # of the revision, or of the files
        self._column = _column(root, data, options.get("column"))
        image = _datasets(root).Image(decode=False)
        self._rows = data.with_format(None).select_columns(self._column).cast_column(self._column, image)
        digits = len(str(max(len(self._rows) - 1, 0)))
        self.names = Names(f"{row:0{digits}d}" for row in range(len(self._rows)))

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        image = self._rows[int(name)][self._column] or {}
        if image.get("bytes") is not None:
            return bytes(image["bytes"])
        if image.get("path") is not None:
            require_regular(Path(image["path"]))
            return Path(image["path"]).read_bytes()
        raise ValueError("the row holds no image")


def _datasets(root: str) -> Any:
    return optional_package("datasets", "hub", f"root {root}")


def _parse(root: str) -> tuple[str, dict[str, str]]:
    name, _, query = root.removeprefix(PREFIX).partition("?")
    options = dict(part.partition("=")[::2] for part in query.split("&")) if query else {}
    if not name or not set(options) <= {"split", "column"} or not all(options.values()):
        raise ValueError(f"root must be {FORM}, got {root}")
    return name, options


def _load(root: str, name: str, split: str | None) -> Any:
    """A data set, or several by the name of their split."""
    datasets, folder = _datasets(root), Path(name).expanduser()
    try:
        if any((folder / file).is_file() for file in ("state.json", "dataset_dict.json")):
            return datasets.load_from_disk(str(folder))
        return datasets.load_dataset(str(folder) if folder.exists() else name, split=split)
    except Exception as error:  # the library raises errors of many types, also of the network
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"root is {root}; datasets cannot load it: {reason}") from error


def _only_split(root: str, data: Any, split: str | None) -> Any:
    if not isinstance(data, dict):
        if split not in (None, str(data.split)):
            raise ValueError(f"root must have no ?split=, as the data set saved there has no splits, got {root}")
        return data
    found = {name: part for name, part in data.items() if split in (None, name)}
    if len(found) != 1:
        raise ValueError(f"root must name one split, ?split= one of {', '.join(data)}, got {root}")
    return next(iter(found.values()))


def _column(root: str, data: Any, column: str | None) -> str:
    images = [name for name, feature in data.features.items() if isinstance(feature, _datasets(root).Image)]
    found = [name for name in images if column in (None, name)]
    if len(found) != 1:
        needed = f"one column of images, ?column= one of {', '.join(images)}" if images else "a column of images"
        raise ValueError(f"root must have {needed}, got {root} with the columns {', '.join(data.features)}")
    return str(found[0])
