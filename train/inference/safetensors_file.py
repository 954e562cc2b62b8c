"""The file of an export: tensors and plain JSON in one safetensors file that knows its own checksum."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ... import __version__
from ..runs.foreign_file import REMEDY, WEIGHTS, foreign

FORMAT = 1
KEY = "pscgan"  # of the metadata; one key only, so that the same export is the same bytes
SUFFIX = ".safetensors"
PT2, ONNX = ".pt2", ".onnx"  # of files that hold the same sampler as a graph, for other programs


def export_bytes(metadata: dict[str, Any], tensors: dict[str, Tensor]) -> bytes:
    """The content of a file, to be written by ``atomic_write``.

    Args:
        metadata: plain values; ``format`` and ``pscgan`` (the version) are added.
        tensors: by name, of any device.
    """
    tensors = _copies(tensors)
    return save(tensors, {KEY: metadata_json(metadata, tensors)})


def metadata_json(metadata: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """The entry of the file: the JSON of ``metadata``, with format, version and the SHA-256 of all."""
    return _with_checksum({"format": FORMAT, "pscgan": __version__, **metadata}, _copies(tensors))


def read_export(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Plain values and tensors of a file; the checksum is compared, and no code is run.

    Raises:
        ValueError: naming the file and the reason, if it is no export, is damaged, or is of a newer format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} {foreign(path) or f'is damaged or cut short, or no export: {reason}'}") from error
    if text is None:
        raise ValueError(f"{path} is no export of pscgan, as its metadata has no entry {KEY}, but {WEIGHTS}; {REMEDY}")
    return _verified(path, text, tensors), tensors


def _verified(path: Path, text: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
        if not isinstance(metadata, dict) or not isinstance(metadata.get("format"), int):
            raise ValueError("it names no format")
        metadata.pop("sha256", None)
        whole = _with_checksum(metadata, tensors) == text
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no export of pscgan, or damaged: its entry {KEY} is of another kind") from error
    if not whole:
        raise ValueError(f"{path} is damaged: its checksum is not that of its content")
    if metadata["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {metadata['format']} (pscgan {metadata.get('pscgan')}); this is pscgan {__version__}, "
            f"which reads format {FORMAT}"
        )
    return metadata


def _copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Clones: parameters that share memory are stored each."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}


def _with_checksum(metadata: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """The JSON with the SHA-256 over itself and all tensors: names, kinds, shapes, bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    digest.update(json.dumps(metadata, sort_keys=True).encode())
    return json.dumps({**metadata, "sha256": digest.hexdigest()}, sort_keys=True)
