"""A sampler as the graph in .pt2 and .onnx files: y, z and sigma_z in, K samples out; any B, K, H and W."""

import copy
import io
import json
import re
import warnings
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from ...checks import optional_package
from ...models.generator import Generator, Latent, is_deterministic, latent_strides, scale_latent
from ...rng import Rng
from ..inference.safetensors_file import KEY, ONNX, PT2

Inputs = tuple[Tensor, ...] | tuple[Tensor, list[Tensor], Tensor]
Run = Callable[[bytes, Inputs], Tensor]
OUTPUT, GRAPH = "samples", "graph"  # of a graph, and the entry of the metadata that describes it
MAX_PROTOBUF = 2**31 - 2**20  # bytes of a message, with room for the graph beside the weights
MAX_DIFFERENCE = 1e-4  # of images in [0, 1]
DIMENSIONS = {"condition": ("B", None, "H", "W"), "latent_0": ("K", None, None, "rows", "columns")}


class SamplerGraph(nn.Module):
    """x̂ = G(y, sigma_z z), encoded once, decoded K times.

    Images are padded here, with their mirror image, to the size that the coarsest map of z is for, so that sizes need
    no case of their own in a trace; a generator pads likewise, and finds nothing left to do.

    Args:
        generator: in evaluation mode.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, condition: Tensor, latent: list[Tensor], sigma_z: Tensor) -> Tensor:
        """(K, B, C, H, W) from (B, C + M, H, W), maps (K, B, c, h, w) coarse to fine, and a number."""
        height, width = (side * self.generator.stride for side in latent[0].shape[-2:])
        return _sampled(self.generator, condition, height, width, [sigma_z * z for z in latent])


class DeterministicGraph(nn.Module):
    """x̂ = G(y): without z there is nothing that sigma_z could scale, so y is the only input.

    Args:
        generator: deterministic, in evaluation mode.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, condition: Tensor) -> Tensor:
        """(1, B, C, H, W) from (B, C + M, H, W)."""
        stride = self.generator.stride
        height, width = ((side + stride - 1) // stride * stride for side in condition.shape[-2:])
        return _sampled(self.generator, condition, height, width, [])


def _sampled(generator: Generator, condition: Tensor, height: int, width: int, latent: Latent) -> Tensor:
    rows, columns = condition.shape[-2:]
    all_rows, all_columns, down, across = (
        torch.arange(side, device=condition.device) for side in (rows, columns, height, width)
    )
    padded = condition.index_select(2, _mirrored(down, rows)).index_select(3, _mirrored(across, columns))
    samples = generator.decode(generator.encode(padded), latent)
    return samples.index_select(3, all_rows).index_select(4, all_columns)


def _mirrored(places: Tensor, side: int) -> Tensor:
    """Places in an image of ``side`` pixels: itself, and behind its last pixel its mirror image."""
    return torch.minimum(places, 2 * (side - 1) - places)


def min_size(generator: Generator) -> int:
    """Least H and W of a graph: beyond one stride mirror images fill any margin, and no map has one row only."""
    return generator.stride + 1


def trace(generator: Generator, condition_channels: int) -> ExportedProgram:
    """The graph with B, K, H and W left open; it names no file or line of the machine it was made on.

    Args:
        generator: on the CPU, in evaluation mode and without gradients.
        condition_channels: C + M.
    """
    stochastic, stride = not is_deterministic(generator), generator.stride
    inputs = graph_inputs(generator, condition_channels, 3, 2, 3 * stride - stride // 2, 4 * stride - stride // 3)
    module = (SamplerGraph if stochastic else DeterministicGraph)(copy.deepcopy(generator)).eval()
    module.to(memory_format=torch.contiguous_format)  # of the other, a trace takes sizes for constants
    program = export(module, inputs, dynamic_shapes=_open_sizes(generator), strict=False)
    for node in program.graph.nodes:
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(key, None)
    return program


def graph_inputs(generator: Generator, condition_channels: int, k: int, batch: int, height: int, width: int) -> Inputs:
    """Inputs of a graph, always the same: y uniform in [0, 1], z of a seed, sigma_z 0.75."""
    rng = Rng(0, "graph", range(batch))
    condition = rng.rand(condition_channels, height, width)
    latent = [z.contiguous() for z in generator.draw_latent(k, height, width, rng)]
    return (condition, latent, torch.tensor(0.75)) if latent else (condition,)


def by_name(inputs: Inputs) -> dict[str, Tensor]:
    """Inputs as an .onnx file names them: condition, latent_0 to latent_n, sigma_z."""
    if len(inputs) == 1:
        return {"condition": inputs[0]}
    condition, latent, sigma_z = cast(tuple[Tensor, list[Tensor], Tensor], inputs)
    return {"condition": condition, **{f"latent_{i}": z for i, z in enumerate(latent)}, "sigma_z": sigma_z}


def _open_sizes(generator: Generator) -> Any:
    smallest = min_size(generator)
    batch, height, width = Dim("B"), Dim("H", min=smallest), Dim("W", min=smallest)
    condition = {0: batch, 2: height, 3: width}
    if is_deterministic(generator):
        return {"condition": condition}
    samples, rows, columns = Dim("K"), Dim("rows", min=2), Dim("columns", min=2)
    factors = [generator.stride // stride for stride in latent_strides(generator)]
    sides = [{3: f * rows, 4: f * columns} if f > 1 else {3: rows, 4: columns} for f in factors]
    latent = [{0: samples, 1: batch, **of_map} for of_map in sides]
    return {"condition": condition, "latent": latent, "sigma_z": None}


def describe(generator: Generator, condition_channels: int) -> dict[str, Any]:
    """What a program that runs the graph has to know, as plain values."""
    stride = generator.stride
    channels = [z.shape[2] for z in generator.draw_latent(1, stride, stride, Rng(0, "latent", [0]))]
    maps = zip(channels, latent_strides(generator), strict=True)
    return {
        "condition_channels": condition_channels,
        "stride": stride,
        "min_size": min_size(generator),
        "latents": [{"channels": c, "stride": s} for c, s in maps],
    }


def graph_files(
    generator: Generator, condition_channels: int, metadata: str, suffixes: Iterable[str], report: Callable[[str], None]
) -> dict[str, bytes]:
    """The content of files with the graph, by suffix.

    Args:
        generator: on the CPU, in evaluation mode and without gradients.
        condition_channels: C + M.
        metadata: of the .safetensors file of the same weights, JSON; the entry ``graph`` is added.
        suffixes: of .pt2 and .onnx.
        report: takes a line about the difference from the network of each.

    Raises:
        ValueError: if a package is missing, or a graph gives other samples than the network.
    """
    program, inputs = trace(generator, condition_channels), unseen_inputs(generator, condition_channels)
    metadata = json.dumps({**json.loads(metadata), GRAPH: describe(generator, condition_channels)}, sort_keys=True)
    made: dict[str, tuple[str, bytes, Run | None]] = {}
    if PT2 in suffixes:
        made[PT2] = "torch.export", pt2_bytes(program, metadata), run_pt2
    if ONNX in suffixes:
        runs = find_spec("onnxruntime") is not None
        made[ONNX] = "ONNX Runtime", onnx_bytes(program, inputs, metadata), run_onnx if runs else None
    for suffix, (runtime, content, run) in made.items():
        if run is None:
            report(f"the {suffix} file was not run: the package onnxruntime is not installed")
            continue
        error, size = difference(run(content, inputs), generator, inputs), "{} x {}".format(*inputs[0].shape[-2:])
        if not error <= MAX_DIFFERENCE:
            raise ValueError(
                f"samples of {runtime} differ from the network's by {error:.1e}, must be within {MAX_DIFFERENCE:g}"
            )
        report(f"the {suffix} file, run by {runtime} on {size} pixels: samples are the network's within {error:.1e}")
    return {suffix: content for suffix, (_, content, _) in made.items()}


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
    if size > MAX_PROTOBUF:
        raise ValueError(f"the weights are {size:,} bytes; an .onnx file without others beside it holds below 2 GB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's, of its own parts
        names = list(by_name(inputs))
        exported = torch.onnx.export(program, (), dynamo=True, input_names=names, output_names=[OUTPUT], verbose=False)
    model = cast(Any, exported).model_proto
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info):
        del part.metadata_props[:]  # the exporter's remarks: lines of files of this machine
        part.doc_string = ""
    _name_dimensions(graph)
    model.metadata_props.add(key=KEY, value=metadata)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _name_dimensions(graph: Any) -> None:
    """Sizes are called K, B, H and W in place of the exporter's symbols."""
    names = {}
    for value in graph.input:
        for size, name in zip(value.type.tensor_type.shape.dim, DIMENSIONS.get(value.name, ()), strict=False):
            if name and size.dim_param:
                names[size.dim_param] = name
    for value in (*graph.input, *graph.output, *graph.value_info):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = re.sub(r"\b[a-z]\d+\b", lambda found: names.get(found[0], found[0]), size.dim_param)


def run_pt2(content: bytes, inputs: Inputs) -> Tensor:
    """Samples of a .pt2 file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's, of buffers it reads and does not write
        module = torch.export.load(io.BytesIO(content)).module()
    samples: Tensor = module(*inputs)
    return samples


def run_onnx(content: bytes, inputs: Inputs) -> Tensor:
    """Samples of an .onnx file by ONNX Runtime, which must be installed."""
    runtime = optional_package("onnxruntime", "onnx", "an .onnx file")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (samples,) = session.run([OUTPUT], {name: tensor.numpy() for name, tensor in by_name(inputs).items()})
    return torch.from_numpy(samples)


@torch.no_grad()
def difference(samples: Tensor, generator: Generator, inputs: Inputs) -> float:
    """The largest difference between samples of a graph and those of the network."""
    condition, *latent = by_name(inputs).values()
    sigma_z = float(latent.pop()) if latent else 1.0
    expected = generator.decode(generator.encode(condition), scale_latent(latent, sigma_z))
    return float((samples - expected).abs().max())


def unseen_inputs(generator: Generator, condition_channels: int) -> Inputs:
    """Inputs of another B, K, H and W than a trace is made with."""
    stride = generator.stride
    return graph_inputs(generator, condition_channels, 2, 1, 5 * stride + 1, 2 * stride + 1)
