"""Image files of a folder."""

import errno
import logging
import os
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from pathlib import Path
from typing import NoReturn, Protocol

from ..image_io.safe_read import require_regular
from .names import Names

log = logging.getLogger(__name__)

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information")
CHECKED = 10_000
"""Files, spread over all, of which is asked whether they may be read."""


class Folder:
    """The image files below a folder, of any nesting; links are followed, see ``files_below``.

    Args:
        root: the folder.

    Attributes:
        names: paths below the root with ``/`` between folders.

    Raises:
        ValueError: naming a folder that cannot be listed or a file that cannot be read.
    """

    shards: tuple[str, ...] = ()
    version = ""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = Names(sorted(files_below(root, is_image)))
        for name in self.names[:: 1 + len(self.names) // CHECKED]:
            if not os.access(root / name, os.R_OK):
                reason = "no permission" if os.path.exists(root / name) else "a link to nowhere"
                raise ValueError(f"root must hold files that can be read, got {root / name}, {reason}")

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        path = self.root / name
        require_regular(path)
        with path.open("rb") as file:
            return file.read(num_bytes)


class SingleFile(Folder):
    """One image file, as a folder that holds no other.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.root, self.names = path.parent, Names([path.name])


class ImageFiles(Protocol):
    """Image files by name. Safe in forked and spawned workers: no two processes share a file position.

    Attributes:
        root: where they are, for messages: a file is ``root/name``.
        names: of the files, each once, in the order of Python strings.
        shards: the archives that hold the files; names in one begin with its own and ``/``. Empty if there are none.
        version: is another when the files under the same names are, as far as that is known without reading them all.
    """

    @property
    def root(self) -> Path | str: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def shards(self) -> Sequence[str]: ...
    @property
    def version(self) -> str: ...
    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        """The whole file, or as much of its beginning.

        Raises:
            OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error: if it cannot be read.
        """


def is_image(name: str) -> bool:
    """Whether a path below a root is that of an image that neither is hidden nor belongs to the system."""
    ends_as_one = os.path.splitext(name)[1].lower() in EXTENSIONS  # by pathlib a million names take 6 s longer
    return ends_as_one and all(_is_visible(part) for part in name.split("/") if part != ".")


def _is_visible(part: str) -> bool:
    return not part.startswith(".") and part not in SYSTEM_FOLDERS


def _refuse(error: OSError) -> NoReturn:
    raise ValueError(f"folder {error.filename} cannot be listed: {error.strerror}") from error


def files_below(
    root: Path, wanted: Callable[[str], bool], unlisted: Callable[[OSError], object] = _refuse
) -> list[str]:
    """Names below a folder of what is no folder, each real file once, in any order; links are followed.

    Of several names the one without a link is taken, or else the first. What is hidden or belongs to the system is left
    out. Links that lead nowhere, pipes and devices are kept, for whoever opens them to refuse.

    Args:
        root: the folder.
        wanted: which names are.
        unlisted: is told of each folder that cannot be listed; by default it is refused.

    Raises:
        ValueError: naming a folder that cannot be listed.
    """
    names: list[str] = []
    listed: dict[str, str] = {}  # names of folders by their real paths
    folders, linked_folders, links = [""], list[str](), list[str]()
    while folders or linked_folders:
        above = folders.pop() if folders else heappop(linked_folders)
        real = os.path.realpath(root / above)
        if real in listed:
            continue
        listed[real] = above
        for entry in _entries(root / above, unlisted):
            name = above + entry.name
            if not _is_folder(entry, unlisted):
                if wanted(name):
                    (links if entry.is_symlink() else names).append(name)
            elif entry.is_symlink():
                heappush(linked_folders, f"{name}/")
            else:
                folders.append(f"{name}/")
    return names + _once(root, sorted(links), listed, wanted)


def _entries(folder: Path, unlisted: Callable[[OSError], object]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if _is_visible(entry.name)]
    except OSError as error:
        unlisted(error)
        return []


def _is_folder(entry: os.DirEntry[str], unlisted: Callable[[OSError], object]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # of a link that cannot be followed
        if error.errno != errno.ELOOP:
            unlisted(error)
        return False


def _once(root: Path, links: Sequence[str], listed: dict[str, str], wanted: Callable[[str], bool]) -> list[str]:
    """Of links to files those that lead to none that has a name already."""
    taken: dict[str, str] = {}
    for link in links:
        real = os.path.realpath(root / link)
        above = listed.get(os.path.dirname(real))
        if above is None or not wanted(above + os.path.basename(real)) or not os.path.exists(real):
            taken.setdefault(real, link)
    left_out = sorted(set(links).difference(taken.values()))
    if left_out:
        log.warning("%s: %d left out, links to files of another name, such as %s", root, len(left_out), left_out[0])
    return list(taken.values())
