"""The folder of an evaluation that never ran: numbers of an exact Gaussian problem, crops of photographs.

Signals of 64 points are stationary and Gaussian, so their posterior under white noise is known in the cosine basis. The
sampler draws from it with 0.9 of its spread; the baseline is the posterior mean.
"""

import json
import math
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import idct
from scipy.ndimage import gaussian_filter

from pscgan.train.evaluation.results import FORMAT

PHOTOS = Path(__file__).parents[2] / "data" / "sample_images"
POINTS, IMAGES, SAMPLES, SIGMA, SPREAD = 64, 24, 8, 0.1, 0.9
PRIOR = 0.4 / (1 + np.arange(POINTS)) ** 1.5  # variances of the cosines
POSTERIOR = PRIOR * SIGMA**2 / (PRIOR + SIGMA**2)
MMSE = POSTERIOR.mean()
KEYS = {
    "psnr_sample": (
        "PSNR of one sample",
        "Distortion",
        "dB",
        "higher",
        2,
        "Of the pooled squared error of one sample.",
    ),
    "psnr_mean": ("PSNR of the mean", "Distortion", "dB", "higher", 2, "Of the mean of all samples."),
    "mae": ("absolute error", "Distortion", "", "lower", 4, "Of one sample, black to white being 1."),
    "w2": ("W2 of patches", "Perception", "", "lower", 4, "Between Gaussians of the patches' moments."),
    "sharpness": ("sharpness", "Perception", "", "target", 2, "Steps between neighbours over those of the truth."),
    "gain": ("gain of averaging", "Calibration", "dB", "target", 2, "PSNR of the mean of 8 less that of one."),
    "spread_skill": ("spread / skill", "Calibration", "", "target", 2, "Below 1 the samples differ too little."),
    "crps": ("CRPS", "Calibration", "", "lower", 4, "A proper score: the posterior has the least."),
    "residual": ("size of y − x̂ over noise", "Consistency", "", "target", 2, "1 where the restoration explains y."),
    "calls": ("calls a sample", "Cost", "", "none", 0, "Evaluations of the network."),
}
TARGETS = {"sharpness": 1.0, "gain": 10 * math.log10(2 * SAMPLES / (SAMPLES + 1)), "spread_skill": 1.0, "residual": 1.0}


def write_evaluation(folder, seed=0, pixels=96, images=2, names=("sampler", "baseline", "degraded"), **changes):
    """``result.json`` with ``changes`` and its pictures; what was written as JSON."""
    rng = np.random.default_rng(seed)
    clean, noise = rng.normal(size=(IMAGES, POINTS)) * np.sqrt(PRIOR), SIGMA * rng.normal(size=(IMAGES, POINTS))
    mean = PRIOR / (PRIOR + SIGMA**2) * (clean + noise)
    drawn = mean + SPREAD * np.sqrt(POSTERIOR) * rng.normal(size=(SAMPLES, IMAGES, POINTS))
    restored = {names[0]: drawn, names[1]: mean[None], names[2]: (clean + noise)[None]}
    signals = {name: idct(samples, norm="ortho") for name, samples in restored.items()}
    truth, measured = idct(clean, norm="ortho"), idct(clean + noise, norm="ortho")
    scores = {name: _scores(samples, truth, measured) for name, samples in signals.items()}
    weights = rng.multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), size=400) / IMAGES
    boots = {name: {key: _of(key, s, weights) for key in KEYS if key in s} for name, s in scores.items()}
    result = {
        "format": FORMAT,
        "title": "Noise of sigma 25, a sampler and a baseline",
        "provenance": {"command": "pscgan evaluate 'methods=[a,b]'", "packages": {"torch": "2.15.0"}, "commit": None},
        "protocol": {
            "images": IMAGES,
            "split": "test",
            "names": [f"image {i}" for i in range(IMAGES)],
            "sizes": "24 of 64 x 1",
            "samples": SAMPLES,
            "seed": seed,
            "degradation": "GaussianNoise, sigma 25",
            "root": "photos",
            "bootstrap": 400,
            "extractors": [],
        },
        "metrics": {
            key: dict(zip(("label", "group", "unit", "better", "digits", "explanation"), facts, strict=True))
            | ({"target": TARGETS[key]} if key in TARGETS else {})
            for key, facts in KEYS.items()
        },
        "methods": {
            name: {
                "about": {"kind": "degraded" if name == names[2] else "run", "parameters": 1_234_567},
                "stochastic": name == names[0],
                "values": {key: _value(key, scores[name], boots[name][key]) for key in boots[name]},
                "curves": _curves(index, signals[name], truth, measured, weights),
                "diagnosis": DIAGNOSIS[index],
            }
            for index, name in enumerate(names)
        },
        "comparison": _comparison(scores, boots),
        "left_out": [{"metric": "FID", "reason": "24 images are too few; give 10,000 or more"}],
        "visuals": [{"image": f"photo {i}", "folder": f"visuals/{i}"} for i in range(images)],
    } | changes
    (folder / "result.json").write_text(json.dumps(result))
    for index in range(images):
        _visuals(folder / "visuals" / str(index), rng, sorted(PHOTOS.glob("*.webp"))[index], pixels, names)
    return result


DIAGNOSIS = (
    [
        {"severity": "good", "text": "Averaging gains nearly what it must: 2.2 of 2.5 dB."},
        {"severity": "warning", "text": "The samples differ too little: spread / skill is 0.90."},
    ],
    [{"severity": "note", "text": "One answer a measurement: metrics of spread do not apply."}],
    [],
)


def _scores(samples, truth, measured):
    """By key, a row an image: what is averaged before the metric is made of it."""
    error, mean = samples - truth, samples.mean(axis=0)
    step = lambda signals: np.square(np.diff(signals)).mean(axis=-1)  # noqa: E731
    scores = {
        "psnr_sample": np.square(error).mean(axis=(0, 2)),
        "mae": np.abs(error).mean(axis=(0, 2)),
        "w2": np.abs(np.square(samples).mean(axis=(0, 2)) - np.square(truth).mean(axis=1)),
        "sharpness": np.stack([step(samples).mean(axis=0), step(truth)]),
        "residual": np.square(measured - samples).mean(axis=(0, 2)) / SIGMA**2,
        "calls": np.ones(IMAGES),
    }
    if len(samples) > 1:
        among = np.abs(samples[:, None] - samples[None]).sum(axis=(0, 1)) / (SAMPLES * (SAMPLES - 1))
        skill, spread = np.square(mean - truth).mean(axis=1), samples.var(axis=0, ddof=1).mean(axis=1)
        scores |= {
            "psnr_mean": skill,
            "gain": np.stack([scores["psnr_sample"], skill]),
            "spread_skill": np.stack([(1 + 1 / SAMPLES) * spread, skill]),
            "crps": scores["mae"] - among.mean(axis=1) / 2,
        }
    return scores


def _of(key, scores, weights):
    """The metric under weights of the images: (draws,)."""
    means = scores[key] @ weights.T
    if key.startswith("psnr"):
        return -10 * np.log10(means)
    if key == "gain":
        return 10 * np.log10(means[0] / means[1])
    if key in ("sharpness", "spread_skill"):
        return np.sqrt(means[0] / means[1])
    return np.sqrt(means) if key in ("w2", "residual") else means


def _value(key, scores, boot):
    (value,) = _of(key, scores, np.full((1, IMAGES), 1 / IMAGES))
    low, high = (None, None) if key == "calls" else np.quantile(boot, (0.025, 0.975)).tolist()
    return {"value": float(value), "low": low, "high": high} | ({"floor": 0.0123} if key == "w2" else {})


def _comparison(scores, boots):
    """Differences on the same draws of images, for metrics with a direction."""
    compared = {}
    for key, (_, _, _, better, _, _) in KEYS.items():
        names = [name for name in boots if key in boots[name]]
        if better not in ("higher", "lower") or len(names) < 2:
            continue
        pairs = [_difference(key, a, b, scores, boots) for i, a in enumerate(names) for b in names[i + 1 :]]
        worse = {
            p["b"] if (p["low"] > 0) == (better == "higher") else p["a"] for p in pairs if p["low"] * p["high"] > 0
        }
        compared[key] = {"best": [name for name in names if name not in worse], "differences": pairs}
    return compared


def _difference(key, a, b, scores, boots):
    low, high = np.quantile(boots[a][key] - boots[b][key], (0.025, 0.975))
    value = _value(key, scores[a], boots[a][key])["value"] - _value(key, scores[b], boots[b][key])["value"]
    return {"a": a, "b": b, "difference": value, "low": float(low), "high": float(high)}


def _curves(index, samples, truth, measured, weights):
    stochastic = index == 0
    spread = SPREAD**2 * stochastic
    curve = {
        "averaged": [{"n": n, **_place(spread / n)} for n in ((1, 2, 4, 8) if stochastic else (1,))],
        "bound": [
            {"rmse": math.sqrt(MMSE + _gap(0) ** 2 * (1 - t) ** 2), "distance": t * _gap(0)}
            for t in np.linspace(0, 1, 20).tolist()
        ],
    }
    if index == 2:
        noisy = np.sqrt(PRIOR + SIGMA**2) - np.sqrt(PRIOR)
        curve["averaged"] = [{"n": 1, "rmse": SIGMA, "distance": math.sqrt(np.square(noisy).mean())}]
    edges, kept = np.linspace(0, 0.2, 41), (1.5, 4.0, 0.0)[index]
    windows = {"noise": measured - truth, "residual": measured - samples[0], "error": samples[0] - truth}
    sizes = {name: np.sqrt(np.square(w.reshape(-1, 8)).mean(axis=1)) for name, w in windows.items()}
    curves = {
        "perception_distortion": curve,
        "residual_noise": {
            "edges": edges.tolist(),
            "histograms": {n: np.histogram(s, edges, density=True)[0].tolist() for n, s in sizes.items() if s.any()},
        },
        "robustness": {
            "pgd": [{"ai_psnr": p, "psnr": p + kept, "distance": 10 ** (-p / 20), "std": 0.1} for p in (30, 35, 40, 45)]
        },
    }
    if not stochastic:
        return curves
    curve["sigma_z"] = [{"sigma_z": z, **_place(spread * z**2)} for z in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)]
    squared = [np.square(samples[:n].mean(axis=0) - truth).mean(axis=1) @ weights.T for n in (1, 2, 4, 8)]
    bounds = [np.quantile(-10 * np.log10(error), (0.5, 0.025, 0.975)).tolist() for error in squared]
    psnr, low, high = map(list, zip(*bounds, strict=True))
    curves["averaging"] = {
        "n": [1, 2, 4, 8], "psnr": psnr, "low": low, "high": high, "a": MMSE, "b": SPREAD**2 * MMSE,
    }  # fmt: skip
    of_scale = {
        "pixels": (samples, truth),
        "blocks of 8": tuple(s.reshape(*s.shape[:-1], -1, 8).mean(axis=-1) for s in (samples, truth)),
    }
    curves["ranks"] = {scale: _ranks(*parts) for scale, parts in of_scale.items()}
    curves["spread_skill"] = [
        {"side": side, "value": SPREAD / side**0.1, "low": 0.5, "high": 1.1} for side in (1, 2, 4, 8)
    ]
    nominal = [(SAMPLES - 1 - 2 * i) / (SAMPLES + 1) for i in range(SAMPLES // 2)][::-1]
    curves["coverage"] = {"nominal": nominal} | {
        scale: _inner(curves["ranks"][scale]["share"]) for scale in curves["ranks"]
    }
    return curves


def _gap(variance):
    """W2 a point from the clean distribution to the posterior mean with ``variance`` of the posterior's added."""
    return math.sqrt(np.square(np.sqrt(PRIOR) - np.sqrt(PRIOR - POSTERIOR + variance * POSTERIOR)).mean())


def _place(variance):
    return {"rmse": math.sqrt(MMSE * (1 + variance)), "distance": _gap(variance)}


def _ranks(samples, truth):
    ranks = (samples < truth).sum(axis=0).ravel()
    share = np.bincount(ranks, minlength=SAMPLES + 1) / len(ranks)
    band = 2 * np.sqrt(share * (1 - share) / len(ranks))
    return {"share": share.tolist(), "low": (share - band).clip(0).tolist(), "high": (share + band).tolist()}


def _inner(share):
    """Coverage of the central intervals between samples."""
    inner = [sum(share[i : len(share) - i]) for i in range(SAMPLES // 2, 0, -1)]
    return {"share": inner, "low": [s - 0.03 for s in inner], "high": [min(s + 0.03, 1) for s in inner]}


def _visuals(folder, rng, photo, pixels, names):
    with Image.open(photo) as picture:
        left, top = (picture.width - pixels) // 2, (picture.height - pixels) // 2
        clean = np.asarray(picture.convert("RGB").crop((left, top, left + pixels, top + pixels))) / 255
    degraded = clean + 25 / 255 * rng.normal(size=clean.shape)
    mean = gaussian_filter(degraded, (1.2, 1.2, 0))
    std = 0.02 + 0.3 * np.abs(clean - gaussian_filter(clean, (2, 2, 0))).mean(axis=2)
    _save(folder / "clean.png", clean)
    _save(folder / "degraded.png", degraded)
    _save(folder / names[2] / "sample1.png", degraded)
    _save(folder / names[1] / "sample1.png", mean)
    of_sampler = folder / names[0]
    for number in range(1, 5):
        texture = gaussian_filter(rng.normal(size=(pixels, pixels, 1)), (0.6, 0.6, 0)) * 2
        _save(of_sampler / f"sample{number}.png", mean + std[..., None] * texture)
    _save(of_sampler / "mean.png", mean)
    _save(of_sampler / "std.png", std / std.max())
    scales = {"std": float(std.max())}
    for number in range(1, 4):
        component = gaussian_filter(rng.normal(size=clean.shape), (6, 6, 0)) * std[..., None]
        scales[f"component{number}"] = float(np.abs(component).max())
        _save(of_sampler / f"component{number}.png", 0.5 + 0.5 * component / np.abs(component).max())
    (of_sampler / "scales.json").write_text(json.dumps(scales))


def _save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(np.rint(255 * values.clip(0, 1)))).save(path)
