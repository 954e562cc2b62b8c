"""Samples of a posterior from an exported .onnx file, with numpy, Pillow and ONNX Runtime alone.

pip install onnxruntime numpy pillow
python onnx_without_torch.py demo.onnx noisy.png --samples 8 --seed 0 --out restored
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    """Read, draw z, run, write."""
    options = _options()
    session = onnxruntime.InferenceSession(options.model, providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["pscgan"])
    condition = _condition(options.image, about, options.sigma)
    inputs = {"condition": condition, **_latents(about["graph"], condition.shape, options.samples, options.seed)}
    if about["graph"]["latents"]:
        inputs["sigma_z"] = np.array(1, np.float32)
    (samples_KBCHW,) = session.run(["samples"], inputs)
    _write(options.out, Path(options.image).stem, samples_KBCHW[:, 0])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an .onnx file that pscgan export wrote")
    parser.add_argument("image", help="what is to be restored")
    parser.add_argument("--samples", type=int, default=8, metavar="K")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sigma", type=float, help="of the noise, of 255: for a model of many noise levels")
    parser.add_argument("--out", type=Path, default=Path("restored"), metavar="FOLDER")
    return parser.parse_args()


def _condition(path: str, about: dict[str, Any], sigma: float | None) -> np.ndarray:
    """(1, C + M, H, W) in [0, 1]: the image, and its map of noise where the network takes one."""
    planes = _planes(path, about["image_channels"])
    least, maps = about["graph"]["min_size"], about["graph"]["condition_channels"] - planes.shape[1]
    if min(planes.shape[2:]) < least:
        raise SystemExit(f"{path} has {planes.shape[2]} x {planes.shape[3]} pixels; allowed is {least} or more a side")
    if maps == 0:
        return planes
    if not about["degradation"]["_target_"].endswith(".GaussianNoise") or sigma is None:
        raise SystemExit("the model takes maps beside the image: --sigma for noise; for JPEG files use pscgan itself")
    return np.concatenate([planes, np.full_like(planes[:, :1], sigma / 255)], axis=1)


def _planes(path: str, channels: int) -> np.ndarray:
    """(1, C, H, W) in [0, 1] of a picture, upright; alpha is dropped."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # grey of 16 bits, which convert would clip to 255
        return np.tile(np.asarray(image, np.float32) / 65535, (1, channels, 1, 1))
    pixels = np.asarray(image.convert("RGB" if channels == 3 else "L"), np.float32) / 255
    return np.atleast_3d(pixels).transpose(2, 0, 1)[None]


def _latents(graph: dict[str, Any], shape: tuple[int, ...], samples: int, seed: int) -> dict[str, np.ndarray]:
    """z: maps (K, 1, c, h, w) of standard normal numbers for the image's size, rounded up to a whole stride."""
    random, stride = np.random.default_rng(seed), graph["stride"]
    height, width = (-(-side // stride) * stride for side in shape[2:])
    sizes = [(samples, 1, m["channels"], height // m["stride"], width // m["stride"]) for m in graph["latents"]]
    return {f"latent_{i}": random.standard_normal(size, np.float32) for i, size in enumerate(sizes)}


def _write(folder: Path, stem: str, samples_KCHW: np.ndarray) -> None:
    """Samples, their mean, and their standard deviation, whose largest value is white."""
    folder.mkdir(parents=True, exist_ok=True)
    spread = np.sqrt(samples_KCHW.var(axis=0, ddof=int(len(samples_KCHW) > 1)).mean(axis=0, keepdims=True))
    pictures = {f"sample{k}": sample for k, sample in enumerate(samples_KCHW, start=1)}
    pictures |= {"mean": samples_KCHW.mean(axis=0), "std": spread / max(float(spread.max()), 1e-9)}
    for name, picture in pictures.items():
        pixels = (255 * picture.clip(0, 1)).round().astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels).save(folder / f"{stem}_{name}.png")
    print(f"{folder}: {len(samples_KCHW)} samples, mean, std (white is {255 * spread.max():.1f} of 255)")


if __name__ == "__main__":
    main()
