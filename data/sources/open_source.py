"""From what a user writes as root to image files."""

import os
from pathlib import Path

from ...checks import optional_package
from .folder import Folder, ImageFiles, SingleFile, is_image
from .generated import KINDS, Generated
from .hub import PREFIX, HubDataset
from .tar import Shards
from .zip import ZipArchive

BUNDLED = "bundled:photos"
PHOTOS = Path(__file__).parents[1] / "sample_images"


def open_root(root: str | Path) -> ImageFiles:
    """The image files of a root.

    Args:
        root: a folder of images or a ``.zip`` archive, both of any nesting; one image file; a ``.tar`` shard, a folder
            of them, or a pattern such as ``/data/train-{000000..000019}.tar``; ``hf:`` and a data set of Hugging Face,
            see ``HubDataset``; ``"bundled:photos"``, the photographs that come with the package; or pictures made by
            code, ``"bundled:text"``, ``"bundled:stars"``, ``lognormal:`` and a size, see ``generated``.

    Raises:
        ValueError: if it is none of these or is damaged.
    """
    if root == BUNDLED:
        return Folder(PHOTOS)
    if str(root).startswith(tuple(KINDS)):
        return Generated(str(root))
    if str(root).startswith(PREFIX):
        return HubDataset(str(root))
    path = Path(root).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if path.is_file() and path.suffix.lower() == ".zip":
        return ZipArchive(path)
    if path.is_file() and is_image(path.name):
        return SingleFile(path)
    if path.is_file() and path.suffix.lower() == ".tar":
        return Shards([path])
    if "{" in str(path):
        return Shards(_expanded(path))
    raise ValueError(
        "root must be an existing folder, image file, .zip archive or .tar shard, a pattern of shards such as "
        f"train-{{000..019}}.tar, {PREFIX!r} and a data set of Hugging Face, or {', '.join((BUNDLED, *KINDS))}, "
        f"got {root}"
    )


def _open_folder(folder: Path) -> ImageFiles:
    images = Folder(folder)
    found = sorted(filter(_is_shard, folder.iterdir()), key=os.path.islink, reverse=True)
    shards = sorted({os.path.realpath(path): path for path in found}.values())  # a link beside its shard is no other
    if shards and images.names:
        raise ValueError(
            f"root must hold shards or image files, got {folder} with both, such as {shards[0].name} and "
            f"{images.names[0]}"
        )
    return Shards(shards) if shards else images


def _is_shard(path: Path) -> bool:
    return path.suffix.lower() == ".tar" and not path.name.startswith(".") and not path.is_dir()


def _expanded(pattern: Path) -> list[Path]:
    package = optional_package("braceexpand", "webdataset", f"root {pattern}")
    try:
        paths = [Path(path) for path in package.braceexpand(str(pattern), escape=False)]
    except ValueError as error:
        raise ValueError(f"root must be a pattern with whole braces, got {pattern}: {error}") from error
    wrong = next((path for path in paths if path.suffix.lower() != ".tar"), None)
    if wrong is not None:
        raise ValueError(f"root must stand for .tar shards, got {pattern}, which stands for {wrong}")
    return paths
