"""A graph as the bytes of a .pt2 or an .onnx file, with what a user of it needs to know inside, as plain JSON."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import Tensor
from torch.export import ExportedProgram

from ...checks import optional_package
from ...models.generator import Generator, scale_latent
from ..inference.safetensors_file import KEY, ONNX, PT2
from .graph import OUTPUT, Inputs, by_name, describe, graph_inputs, trace

LARGEST = 2**31 - 2**20  # bytes of a protobuf message, with room for the graph beside the weights
DIMENSIONS = {"condition": ("B", None, "H", "W"), "latent_0": ("K", None, None, "rows", "columns")}


def pt2_bytes(program: ExportedProgram, metadata: str) -> bytes:
    """A file for ``torch.export.load``; ``metadata`` is its extra file ``pscgan``."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={KEY: metadata})
    return file.getvalue()


def onnx_bytes(program: ExportedProgram, inputs: Inputs, metadata: str) -> bytes:
    """A file for ONNX Runtime and others; ``metadata`` is its metadata entry ``pscgan``.

    Args:
        program: of ``trace``.
        inputs: any that it takes, for their names.
        metadata: JSON.

    Raises:
        ValueError: if a package of the extra ``onnx`` is not installed, or the weights are too large for one file.
    """
    onnx, _ = (optional_package(name, "onnx", "an .onnx file") for name in ("onnx", "onnxscript"))
    size = sum(weight.numel() * weight.element_size() for weight in program.state_dict.values())
    if size > LARGEST:
        raise ValueError(f"the weights are {size:,} bytes; an .onnx file without others beside it holds below 2 GB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's, of its own parts
        names = list(by_name(inputs))
        exported = torch.onnx.export(program, (), dynamo=True, input_names=names, output_names=[OUTPUT], verbose=False)
    model = cast(Any, exported).model_proto
    _forget_the_machine(model)
    _name_dimensions(model.graph)
    model.metadata_props.add(key=KEY, value=metadata)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _forget_the_machine(model: Any) -> None:
    """Remarks of the exporter: lines of files, and names of PyTorch's own graph."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""


def _name_dimensions(graph: Any) -> None:
    """Sizes are called K, B, H and W in place of the exporter's symbols."""
    names = {}
    for value in graph.input:
        for size, name in zip(value.type.tensor_type.shape.dim, DIMENSIONS.get(value.name, ()), strict=False):
            if name and size.dim_param:
                names[size.dim_param] = name
    for size in _sizes(graph):
        size.dim_param = re.sub(r"\b[a-z]\d+\b", lambda found: names.get(found[0], found[0]), size.dim_param)


def _sizes(graph: Any) -> Iterator[Any]:
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield from (size for size in value.type.tensor_type.shape.dim if size.dim_param)


GRAPH = "graph"  # entry beside those that every export has


def graph_files(
    generator: Generator, condition_channels: int, sealed: str, suffixes: Iterable[str], report: Callable[[str], None]
) -> dict[str, bytes]:
    """The content of files with the graph, by suffix.

    Args:
        generator: on the CPU, in evaluation mode and without gradients.
        condition_channels: C + M.
        sealed: what the .safetensors file of the same weights says of itself, JSON; the entry ``graph`` is added.
        suffixes: of .pt2 and .onnx.
        report: takes a line about the difference from the network of each.

    Raises:
        ValueError: if a package is missing, or a graph gives other samples than the network.
    """
    program, inputs = trace(generator, condition_channels), unseen(generator, condition_channels)
    metadata = json.dumps({**json.loads(sealed), GRAPH: describe(generator, condition_channels)}, sort_keys=True)
    size = "{} x {}".format(*inputs[0].shape[-2:])
    contents = {}
    if PT2 in suffixes:
        contents[PT2] = pt2_bytes(program, metadata)
        report(_words(PT2, "torch.export", pt2_difference(contents[PT2], generator, inputs), size))
    if ONNX in suffixes:
        contents[ONNX] = onnx_bytes(program, inputs, metadata)
        if find_spec("onnxruntime") is None:
            report(f"the {ONNX} file was not run: the package onnxruntime is not installed")
        else:
            report(_words(ONNX, "ONNX Runtime", onnx_difference(contents[ONNX], generator, inputs), size))
    return contents


def _words(suffix: str, program: str, difference: float, size: str) -> str:
    return f"the {suffix} file, run by {program} on {size} pixels: samples are the network's within {difference:.1e}"


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
