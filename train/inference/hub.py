"""The Hugging Face hub: a folder of an export as a model repository, and the file that ``pscgan.load`` takes of one."""

import re
from collections.abc import Sequence
from pathlib import Path

from ...checks import optional_package
from .safetensors_file import SUFFIX

MODEL, CARD = "model", "README.md"  # names in a folder
PACKAGE = "huggingface_hub", "hub"  # and the extra that brings it
HUB = "hf:"  # before the name of a repository: no other name asks the hub
REPOSITORY = re.compile(r"(?!\.)[\w.-]+/[\w.-]+")


def require_repository(name: str) -> None:
    """Raise a ValueError if this is no name of a repository, or the package of the hub is not installed."""
    if not REPOSITORY.fullmatch(name):
        raise ValueError(f"--push must be USER/REPO, of letters, digits, '.', '_' and '-', got {name}")
    optional_package(*PACKAGE, "--push")


def push(files: Sequence[Path], name: str) -> str:
    """Upload files of one folder, and nothing else that lies in it; the repository is made if it is not there.

    Args:
        files: of an export.
        name: USER/REPO; the user is who is logged in on this machine.

    Returns:
        Where it is to be seen.

    Raises:
        ValueError: naming the repository and the reason, in one line.
    """
    hub = optional_package(*PACKAGE, "--push")
    try:
        url = hub.create_repo(name, repo_type="model", exist_ok=True)
        hub.upload_folder(
            repo_id=name,
            folder_path=files[0].parent,
            allow_patterns=[file.name for file in files],
            commit_message="Exported by pscgan",
        )
    except Exception as error:  # of the network, the hub, the login: the package has no one class for them
        raise ValueError(f"cannot upload to {name}: {_line(error)}; the files are in {files[0].parent}") from error
    return str(url)


def fetch(name: str) -> Path:
    """The .safetensors file of a repository, on this disk; not fetched again while it is the same.

    Args:
        name: hf:USER/REPO, or hf:USER/REPO@REVISION: a branch, a tag or a commit.

    Raises:
        ValueError: in one line, if it is not there.
    """
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"model must be {HUB}USER/REPO or {HUB}USER/REPO@REVISION of the Hugging Face hub, got {name}")
    hub = optional_package(*PACKAGE, name)
    try:
        return Path(hub.hf_hub_download(repository, f"{MODEL}{SUFFIX}", revision=revision or None))
    except Exception as error:  # as above
        raise ValueError(f"{name} cannot be had: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
