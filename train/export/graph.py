"""The graph of a sampler that .pt2 and .onnx files hold: y, z and sigma_z in, K samples out; any B, K, H and W."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from ...models.generator import Generator, Latent, is_deterministic, latent_strides
from ...rng import Rng

Inputs = tuple[Tensor, ...] | tuple[Tensor, list[Tensor], Tensor]
OUTPUT = "samples"


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


def least_size(generator: Generator) -> int:
    """Of H and W that a graph takes: beyond one stride, where mirror images fill any margin and no map has one row."""
    return generator.stride + 1


def trace(generator: Generator, condition_channels: int) -> ExportedProgram:
    """The graph with B, K, H and W left open; it names no file or line of the machine it was made on.

    Args:
        generator: on the CPU, in evaluation mode and without gradients.
        condition_channels: C + M.
    """
    stochastic, stride = not is_deterministic(generator), generator.stride
    inputs = graph_inputs(generator, condition_channels, 3, 2, 3 * stride - stride // 2, 4 * stride - stride // 3)
    module = (SamplerGraph if stochastic else DeterministicGraph)(generator).eval()
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
    least = least_size(generator)
    batch, height, width = Dim("B"), Dim("H", min=least), Dim("W", min=least)
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
        "least_size": least_size(generator),
        "latents": [{"channels": c, "stride": s} for c, s in maps],
    }
