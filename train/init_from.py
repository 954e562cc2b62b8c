"""Beginning a run at the averaged weights of another model, as at the MMSE baseline of its problem."""

import re
from hashlib import sha256
from typing import Any

from safetensors.torch import save

from .gan_step import GANStep
from .inference.load import read_model
from .runs.baseline import BASELINE, baseline_folder
from .runs.checkpoint import check_same_tensors

NEW_SCALE = 0.02  # with entries of z at their full random size the first steps throw away what was taken


def begin(gan_step: GANStep, config: dict[str, Any]) -> dict[str, Any] | None:
    """Give the generator, and its average, the averaged weights of the model that ``init_from`` names, if it names one.

    What the model has not (all that z enters by, if it has no z) keeps its own initial values times ``NEW_SCALE``.
    Returns what was taken, for ``run.json``.

    Raises:
        ValueError: if it is no model, or has a tensor that this generator has not, or has in another shape.
    """
    if config["init_from"] is None:
        return None
    model = baseline_folder(config["folder"]) if config["init_from"] == BASELINE else str(config["init_from"])
    own = gan_step.generator.state_dict()
    try:
        path, metadata, weights, _ = read_model(model)
        check_same_tensors({name: own[name] for name in weights if name in own} or own, weights, path)
    except ValueError as error:
        raise ValueError(f"init_from: {error}") from error
    for name, tensor in own.items():
        if name in weights:
            tensor.copy_(weights[name])
        elif tensor.is_floating_point():
            tensor.mul_(NEW_SCALE)
    gan_step.ema.start(gan_step.generator)
    new, seen = own.keys() - weights.keys(), metadata.get("images_seen")
    modules = sorted(set(map(_module, new)))
    taken = f"begins at {path} ({seen} images seen): {len(weights)} tensors are taken"
    print(f"{taken}, {len(new)} are new ({', '.join(modules) or 'none'}) and times {NEW_SCALE}", flush=True)
    digest = sha256(save({name: tensor.clone().contiguous() for name, tensor in weights.items()})).hexdigest()
    return {"path": str(path), "images_seen": seen, "sha256": digest, "taken": len(weights), "new": modules}


def _module(tensor: str) -> str:
    """Without the name of the parameter and the numbers of its place: up.0.noise.1.weight is of up.*.noise."""
    return re.sub(r"\.\d+(?=\.|$)", ".*", re.sub(r"(\.\d+)*\.[^.]+$", "", tensor))
