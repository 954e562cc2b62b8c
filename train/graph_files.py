"""A graph as the bytes of a .pt2 or an .onnx file, with what a user of it needs to know inside, as plain JSON."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch.export import ExportedProgram

from .export_file import KEY
from .exported_graph import OUTPUT, Inputs, by_name
from .optional_package import optional_package

LARGEST = 2**31 - 2**20  # bytes of a protobuf message, with room for the graph beside the weights
DIMENSIONS = {"condition": ("B", None, "H", "W"), "latent_0": ("K", None, None, "rows", "columns")}


def pt2_bytes(program: ExportedProgram, about: str) -> bytes:
    """A file for ``torch.export.load``; ``about`` is its extra file ``pscgan``."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={KEY: about})
    return file.getvalue()


def onnx_bytes(program: ExportedProgram, inputs: Inputs, about: str) -> bytes:
    """A file for ONNX Runtime and others; ``about`` is its metadata entry ``pscgan``.

    Args:
        program: of ``trace``.
        inputs: any that it takes, for their names.
        about: JSON.

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
    model.metadata_props.add(key=KEY, value=about)
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
