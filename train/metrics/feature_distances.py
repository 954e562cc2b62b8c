"""How far restorations are from clean images as sets of features, and how far a perfect restorer would seem to be."""

from collections.abc import Callable

from torch import Tensor
from torchmetrics import Metric

from .feature_sets import KID, PrecisionRecall
from .frechet import CFID, FID

CONDITIONAL_DIMENSIONS = 64  # of CFID: a few hundred images say something of so many
ON_SETS: dict[str, Callable[[int], Metric]] = {"fid": FID, "kid": KID, "precision, recall": PrecisionRecall}


def feature_distances(
    clean: Tensor,
    samples_Snd: Tensor,
    condition: Tensor,
    reference: Tensor | None = None,
    conditional_dimensions: int = CONDITIONAL_DIMENSIONS,
) -> tuple[dict[str, float], dict[str, str]]:
    """FID, KID, precision and recall of the first sample, and its CFID given y.

    The first four compare the restored images with the reference, and as their floor the clean images with it. Without
    a reference, restored images of even numbers are compared with clean ones of odd numbers, so that no image meets
    itself. The floor of CFID is that of the second sample against the first, whose distributions given y are equal. All
    features are here: nothing is gathered from other ranks.

    Args:
        clean: features (n, d) of the clean images.
        samples_Snd: of S samples of each, (S, n, d), S at least 1.
        condition: of y, (n, d).
        reference: of other clean images, (m, d), or None.
        conditional_dimensions: of CFID; of fewer features all.

    Returns:
        ``fid``, ``kid``, ``precision``, ``recall`` and ``cfid``, each with ``NAME_n``, images of the restorer, and,
        where it can be had, ``NAME_floor``: the same distance of a perfect restorer at the same number of images; the
        first four with ``NAME_m``, images of the reference; ``kid_error``, a standard error; ``cfid_dimensions``. And
        by name why others could not be computed.

    Raises:
        ValueError: if shapes do not belong together.
    """
    _require_shapes(clean, samples_Snd, condition, reference)
    values: dict[str, float] = {}
    left_out: dict[str, str] = {}
    dimensions = clean.shape[1]
    restored, truth = samples_Snd[0], clean
    if reference is None:
        restored, truth, reference = restored[::2], clean[::2], clean[1::2]
    for name, kind in ON_SETS.items():
        try:
            found, floors = (_of_sets(kind(dimensions), vectors, reference) for vectors in (restored, truth))
        except ValueError as error:
            left_out[name] = str(error)
            continue
        values |= found
        for key in floors.keys() - {"kid_error"}:
            values |= {f"{key}_floor": floors[key], f"{key}_n": len(restored), f"{key}_m": len(reference)}
    kept = min(conditional_dimensions, dimensions)
    try:
        values["cfid"] = _cfid(kept, clean, samples_Snd[0], condition)
        if len(samples_Snd) > 1:
            values["cfid_floor"] = _cfid(kept, samples_Snd[1], samples_Snd[0], condition)
        values |= {"cfid_n": len(clean), "cfid_dimensions": kept}
    except ValueError as error:
        left_out["cfid"] = str(error)
    return values, left_out


def _of_sets(metric: Metric, restored: Tensor, reference: Tensor) -> dict[str, float]:
    metric = _local(metric, restored)
    metric.update(restored, real=False)
    metric.update(reference, real=True)
    values: dict[str, float] = metric.compute()
    return values


def _cfid(kept: int, truth: Tensor, sample: Tensor, condition: Tensor) -> float:
    metric = _local(CFID(truth.shape[1], kept), truth)
    metric.update(truth, sample, condition)
    return float(metric.compute()["cfid"])


def _local(metric: Metric, features: Tensor) -> Metric:
    metric.sync_on_compute = False
    return metric.to(features.device)


def _require_shapes(clean: Tensor, samples_Snd: Tensor, condition: Tensor, reference: Tensor | None) -> None:
    named = {"clean": clean, "samples_Snd": samples_Snd[0] if len(samples_Snd) else samples_Snd, "condition": condition}
    for name, features in named.items():
        if features.ndim != 2 or features.shape != clean.shape:
            raise ValueError(f"{name} must have the features of clean, (n, d), got {tuple(features.shape)}")
    if reference is not None and (reference.ndim != 2 or reference.shape[1] != clean.shape[1]):
        raise ValueError(f"reference must be (m, {clean.shape[1]}), got {tuple(reference.shape)}")
