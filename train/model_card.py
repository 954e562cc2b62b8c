"""What a person, and a hub of models, is told of an exported sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .config_words import in_words
from .run_table import FIGURES

CARD = """---
{front}---

# {name}

A sampler of p(x | y) for image restoration, trained with pscgan: of one degraded image, as many restorations as wanted.

- degradation: {degradation}
- generator: {generator}
- images: {channels}, of {root}; {images_seen:,} seen in training
- seed: {seed}
- commit: {commit}
- command: `{command}`
- SHA-256 of content and weights: in the file

## Scores

{scores}

## Use

```python
import pscgan

sampler = pscgan.load("{file}")
samples = sampler.sample(degraded, k=8)  # (8, B, C, H, W)
```

## Licence

That of the weights is for their owner to say; until then there is none (`license: other`).
"""


def model_card(about: Mapping[str, Any], file: str, root: str, figures: Mapping[str, Any]) -> str:
    """Markdown with the front matter that hubs read.

    Args:
        about: what the export says of itself.
        file: its name.
        root: of the images it was trained on, of which the name alone is told.
        figures: of the run's last validation; none where there was none.
    """
    kind = about["degradation"]["_target_"].rpartition(".")[2]
    front = {
        "library_name": "pscgan",
        "tags": ["image-restoration", "posterior-sampling", kind.lower()],
        "license": "other",
    }
    return CARD.format(
        front=yaml.safe_dump(front, sort_keys=False),
        name=about["name"],
        degradation=in_words(about["degradation"]),
        generator=in_words(about["generator"]),
        channels="colour" if about["image_channels"] == 3 else "grey",
        root=root.rstrip("/").rpartition("/")[2] or "no files",
        images_seen=about["images_seen"],
        seed=about["seed"],
        commit=about["commit"] or "unknown",
        command=about["command"] or "unknown",
        scores=_scores(figures),
        file=file,
    )


def _scores(figures: Mapping[str, Any]) -> str:
    found = {name: float(figures[name]) for name in FIGURES if name in figures}
    if not found:
        return "None were found beside the checkpoint."
    rows = [
        f"| {FIGURES[name][0]} | {value * FIGURES[name][1]:,.{FIGURES[name][2]}f} |" for name, value in found.items()
    ]
    return "\n".join(["Of the run's last validation:", "", "| | |", "|---|---|", *rows])
