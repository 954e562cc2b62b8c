"""Graphs of a sampler: traced once, turned into files, and each file run before anybody gets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from importlib.util import find_spec

from ..models.generator import Generator
from .export_file import ONNX, PT2
from .exported_graph import describe, trace
from .graph_difference import onnx_difference, pt2_difference, unseen
from .graph_files import onnx_bytes, pt2_bytes

GRAPH = "graph"  # entry beside those that every export has


def graph_files(
    generator: Generator, condition_channels: int, sealed: str, suffixes: Iterable[str], tell: Callable[[str], None]
) -> dict[str, bytes]:
    """The content of files with the graph, by suffix.

    Args:
        generator: on the CPU, in evaluation mode and without gradients.
        condition_channels: C + M.
        sealed: what the .safetensors file of the same weights says of itself, JSON; the entry ``graph`` is added.
        suffixes: of .pt2 and .onnx.
        tell: takes a line about the difference from the network of each.

    Raises:
        ValueError: if a package is missing, or a graph gives other samples than the network.
    """
    program, inputs = trace(generator, condition_channels), unseen(generator, condition_channels)
    about = json.dumps({**json.loads(sealed), GRAPH: describe(generator, condition_channels)}, sort_keys=True)
    size = "{} x {}".format(*inputs[0].shape[-2:])
    contents = {}
    if PT2 in suffixes:
        contents[PT2] = pt2_bytes(program, about)
        tell(_words(PT2, "torch.export", pt2_difference(contents[PT2], generator, inputs), size))
    if ONNX in suffixes:
        contents[ONNX] = onnx_bytes(program, inputs, about)
        if find_spec("onnxruntime") is None:
            tell(f"the {ONNX} file was not run: the package onnxruntime is not installed")
        else:
            tell(_words(ONNX, "ONNX Runtime", onnx_difference(contents[ONNX], generator, inputs), size))
    return contents


def _words(suffix: str, program: str, difference: float, size: str) -> str:
    return f"the {suffix} file, run by {program} on {size} pixels: samples are the network's within {difference:.1e}"
