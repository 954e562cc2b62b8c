"""How far files with a graph are from the network they were made of, on a size they were not made at."""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor

from ..models.generator import Generator, scale_latent
from .exported_graph import OUTPUT, Inputs, by_name, graph_inputs
from .optional_package import optional_package

ALLOWED = 1e-4  # of images in [0, 1]


def unseen(generator: Generator, condition_channels: int) -> Inputs:
    """Inputs of another B, K, H and W than a trace is made with."""
    stride = generator.stride
    return graph_inputs(generator, condition_channels, 2, 1, 5 * stride + 1, 2 * stride + 1)


def pt2_difference(content: bytes, generator: Generator, inputs: Inputs) -> float:
    """The largest between samples of a .pt2 file and of the generator.

    Raises:
        ValueError: if it is above what is allowed, or not a number.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's, of buffers it reads and does not write
        module = torch.export.load(io.BytesIO(content)).module()
    return _difference(module(*inputs), generator, inputs, "PyTorch")


def onnx_difference(content: bytes, generator: Generator, inputs: Inputs) -> float:
    """The same of an .onnx file, run by ONNX Runtime.

    Raises:
        ValueError: if ONNX Runtime is not installed; see ``pt2_difference``.
    """
    runtime = optional_package("onnxruntime", "onnx", "an .onnx file")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (samples,) = session.run([OUTPUT], {name: tensor.numpy() for name, tensor in by_name(inputs).items()})
    return _difference(torch.from_numpy(samples), generator, inputs, "ONNX Runtime")


@torch.no_grad()
def _difference(samples: Tensor, generator: Generator, inputs: Inputs, program: str) -> float:
    condition, *latent = by_name(inputs).values()
    sigma_z = float(latent.pop()) if latent else 1.0
    expected = generator.decode(generator.encode(condition), scale_latent(latent, sigma_z))
    difference = float((samples - expected).abs().max())
    if not difference <= ALLOWED:
        raise ValueError(f"samples of {program} differ from the network's by {difference:.1e}; allowed is {ALLOWED:g}")
    return difference
