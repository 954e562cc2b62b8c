"""Convolutions out of a network of MatConvNet, saved by MATLAB 7.3, which is HDF5."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def read_convolutions(path: str) -> list[tuple[Tensor, Tensor]]:
    """Kernels (out, in, 3, 3) and biases (out,) of all layers of type ``conv`` in ``net.layers``, in their order.

    MATLAB keeps (height, width, in, out) with the first axis fastest; HDF5 reads that as (out, in, width, height).

    Raises:
        ValueError: if package h5py is not installed, or the file is missing or holds no such network.
    """
    if find_spec("h5py") is None:
        raise ValueError(
            'weights of MatConvNet are HDF5, and package h5py is not installed; pip install "pscgan[references]"'
        )
    import h5py

    if not Path(path).is_file():
        raise ValueError(f"weights is {path}, and there is no such file; allowed is the path of a .mat file")
    try:
        with h5py.File(path, "r") as file:
            layers = [file[reference] for reference in file["net/layers"][:].ravel()]
            found = [_convolution(file, layer) for layer in layers if _text(layer["type"]) == "conv"]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"weights file {path} cannot be read as a network of MatConvNet") from error
    if not found or any(kernel.ndim != 4 or kernel.shape[2:] != (3, 3) for kernel, _ in found):
        raise ValueError(f"weights file {path} holds no network of 3 x 3 convolutions")
    return found


def _text(dataset: Any) -> str:
    return "".join(map(chr, dataset[:].ravel()))


def _convolution(file: Any, layer: Any) -> tuple[Tensor, Tensor]:
    kernel, bias = (torch.from_numpy(file[reference][:]) for reference in layer["weights"][:].ravel())
    return kernel.mT.contiguous(), bias.flatten()
