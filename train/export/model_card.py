"""The card of an exported sampler, for people and for hubs of models."""

from collections.abc import Mapping, Sequence

import yaml

from ...data.from_image import FromImage
from ..inference.safetensors_file import SUFFIX
from ..inference.sampler import LoadedSampler
from ..runs.comparison_table import FIGURES
from ..runs.provenance import describe_config
from ..runs.record import read_run
from .graph import min_size

CARD = """---
{front}---

# {name}

A sampler of p(x | y) for image restoration, trained with pscgan: of one degraded image, as many restorations as wanted.

- degradation: {degradation}
- generator: {generator}
- images: {channels}{root}; {images_seen:,} seen in training
- seed: {seed}
- commit: {commit}
- command: `{command}`
- SHA-256 of content and weights: in the file

## Scores

{scores}
{measured}
## Use

{use}

## Licence

That of the weights is for their owner to say; until then there is none (`license: other`).
"""


LOADED = """```python
import pscgan

sampler = pscgan.load("{name}")
{measured}samples = sampler.sample(degraded, k={k})  # ({k}, B, C, H, W)
```
"""
READ = 'degraded = pscgan.read("{file}", sampler)\n'

GRAPHS = """{files}: the network alone as a graph, for programs without pscgan. Inputs are the
condition (B, C + M, H, W) and, where samples differ, maps latent_0, latent_1, ... (K, B, c, h, w) of standard normal
numbers and the number sigma_z; the output is samples (K, B, C, H, W). B, K, H and W are free, H and W from
{min_size} on; sizes that strides do not divide are padded inside. The JSON of the entry `pscgan` in the file tells
channels and strides of the maps.

Only the network is in a graph. Where a measurement is a file (JPEG), samples are to be projected onto what
explains it: that is in `pscgan.load`, not in a graph.
"""


def model_card(sampler: LoadedSampler, files: Sequence[str], name: str | None, remarks: Sequence[str]) -> str:
    """Markdown with the front matter that hubs read.

    Args:
        sampler: that was exported; of a run the card has the name of the images and the last validation's scores.
        files: their names.
        name: by which ``pscgan.load`` finds it; None for that of the file.
        remarks: sentences on what was measured of the files.
    """
    metadata, run = sampler.metadata, sampler.run
    root = "" if run is None else str(run.config.dataset.get("root", "")).rstrip("/")
    front = {
        "library_name": "pscgan",
        "pipeline_tag": "image-to-image",
        "tags": ["image-restoration", "posterior-sampling", type(sampler.degradation).__name__.lower()],
        "license": "other",
    }
    return CARD.format(
        front=yaml.safe_dump(front, sort_keys=False),
        name=metadata["name"],
        degradation=describe_config(metadata["degradation"]),
        generator=describe_config(metadata["generator"]),
        channels="colour" if metadata["image_channels"] == 3 else "grey",
        root=f", of {root.rpartition('/')[2]}" if root else "",
        images_seen=metadata["images_seen"],
        seed=metadata["seed"],
        commit=metadata.get("commit") or "unknown",
        command=metadata.get("command") or "unknown",
        scores=_scores({} if run is None else read_run(run.checkpoint.parent).figures),
        measured="".join(["\n## Files\n\n", *(f"- {remark}\n" for remark in remarks)]) if remarks else "",
        use=_use(sampler, files, name),
    )


def _use(sampler: LoadedSampler, files: Sequence[str], name: str | None) -> str:
    loaded = [name or file for file in files if file.endswith(SUFFIX)]
    graphs = [f"`{file}`" for file in files if not file.endswith(SUFFIX)]
    degradation, k = sampler.degradation, 8 if sampler.stochastic else 1
    asked = degradation.accepted_side_info if isinstance(degradation, FromImage) else None
    file = "photo.jpg" if asked and "coefficients" in asked else "photo.png"
    measured = "" if asked is None else READ.format(file=file)
    parts = [LOADED.format(name=loaded[0], measured=measured, k=k)] if loaded else []
    if graphs:
        parts.append(GRAPHS.format(files=" and ".join(graphs), min_size=min_size(sampler.generator)))
    return "\n".join(parts).rstrip("\n")


def _scores(figures: Mapping[str, float]) -> str:
    rows = [
        f"| {heading} | {figures[name] * factor:,.{digits}f} |"
        for name, (heading, factor, digits) in FIGURES.items()
        if name in figures
    ]
    if not rows:
        return "None were found beside the checkpoint."
    return "\n".join(["Of the run's last validation:", "", "| | |", "|---|---|", *rows])
