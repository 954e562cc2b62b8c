"""``pscgan restore``: picture files in; of each several restorations out, their mean and their spread.

Models come with the package (``pscgan models``). One trained on JPEG restores .jpg files: each sample is an 8-bit
picture that libjpeg writes to the very levels of the file, or as near to them as could be reached, which is counted.
Models of other tasks take pictures that are measured so: small, grey, with holes, blurred, and so on::

    pscgan restore photos --model bundled:denoise --samples 8 --out restored
    pscgan restore photo.jpg --model bundled:jpeg --out restored
    pscgan restore small.png --model bundled:sr4 --out restored
    pscgan restore torn.png --mask known.png --model runs/inpaint_box_demo --out restored
    pscgan restore photos --degrade --model runs/sr4_demo --out restored

Pictures of any size are restored by tiles that share one z. Any PNG, JPEG, WebP or TIFF is read, of 8 or 16 bits; what
is written is PNG of the same depth, with alpha, profile and EXIF of the file.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..data.image_io.safe_read import on_one_line
from ..train.restore.files import Input, check_outputs, inputs_of
from ..train.restore.options import check, fill_in
from ..train.restore.records import Records, call_record, note_start, sha256
from ..train.runs.cli_errors import report_user_errors
from .command_line import Parser, device_of, progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..train.inference.sampler import LoadedSampler
    from ..train.restore.by_method import PictureMethod, WholePicture
    from ..train.restore.tiling import Tiling
    from ..train.restore.transported_tiling import TransportedTiling

PROGRAM = "pscgan restore"
ASKED = (
    *("samples", "average", "seed", "sigma_z", "sigma", "tolerance", "degrade"),
    *("phase", "photons", "precision"),
)
OPENED = ("model", "method", "denoiser", "gan", "degradation", "transport", "mask", "kernel")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(PROGRAM, __doc__)
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="picture files, folders, or patterns such as 'photos/**/*.jpg'")
    add("--model", help="a run's folder, a checkpoint, a .safetensors file, bundled:NAME, or hf:USER/REPO of the hub")
    add(
        "--method",
        metavar="NAME",
        help="of conf/method, as pnp_admm: by a denoiser or a GAN, of a --degradation, not by --model",
    )
    add(
        "--denoiser",
        metavar="MODEL",
        help="of --method: a model of many levels, or classic:tv (default bundled:denoiser)",
    )
    add("--gan", metavar="MODEL", help="of --method inversion: a run of degradation=nothing, as textures_gan")
    add("--degradation", metavar="NAME", help="of conf/degradation: what --method undoes")
    add("--way", action="store_true", help="with --method: NAME_way.png, y and what eight calls of the network made")
    add("--transport", type=Path, metavar="FILE", help="that pscgan transport wrote of --model: moves samples (DOT)")
    add("--alpha", type=float, help="0 has the law of clean images (default), 1 is what --model restores")
    add("--out", type=Path, required=True, help="folder for what is written")
    add("--samples", type=int, help="of each file (default 8); 1 for a deterministic model")
    add("--average", type=int, metavar="N", help="mean and spread of N samples (default: those written)")
    add("--seed", type=int, default=0, help="of the samples (default 0)")
    add("--sigma-z", type=float, default=1.0, help="factor on z: 1 samples (default), 0 has no spread")
    add("--sigma", help="of the noise, on the 0..255 scale; auto estimates it (default, where needed)")
    tolerance = "quantisation steps by which levels may miss, for .jpg files of foreign encoders (default 0)"
    add("--tolerance", type=float, default=0.0, help=tolerance)
    mask = "what is known, white, for inpainting: a .png or .npy, or a folder of NAME.png (default: what is opaque)"
    add("--mask", type=Path, metavar="FILE", help=mask)
    phase = "of a mosaic, where the model was trained on several"
    add("--phase", choices=("RGGB", "BGGR", "GRBG", "GBRG"), help=phase)
    kernel = "of the blur, where it was drawn in training: a .npy of sum 1, or a .png"
    add("--kernel", type=Path, metavar="FILE", help=kernel)
    add("--photons", type=float, help="at white, where they were drawn in training")
    add("--demo", action="store_true", help="three bundled photographs, --degrade, --model bundled:demo")
    add("--degrade", action="store_true", help="the files are clean: degrade them first, as the model was trained")
    add("--tile", type=int, default=512, help="side of the tiles, in pixels (default 512); an unfolded model has one")
    add("--overlap", type=int, help="seen beyond a tile (default: all the network sees, at most 128)")
    add("--max-megapixels", type=float, default=150.0, help="larger pictures are refused unread (default 150)")
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    add("--precision", choices=("fp32", "bf16"), default="fp32", help="bf16 is faster where the hardware has it")
    add("--overwrite", action="store_true", help="replace what an earlier call wrote to --out")
    skip = "leave out what the same call, stopped or not, has restored; a file that has changed needs --overwrite too"
    add("--skip-existing", action="store_true", help=skip)
    return parser.parse_intermixed_args(arguments)


class RestoreCommand:
    """All files of one call, each as far as it goes.

    Args:
        options: checked.

    Raises:
        ValueError: if options, model and files do not go together; nothing is written before.
        OSError: if the model cannot be opened.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        from ..train.restore.open_image import ImageOpener
        from ..train.restore.side_info import SideInfo

        self.options, self.inputs = options, inputs_of(options.inputs, options.out)
        self.sampler, self.tiling = self._opened()
        fill_in(options, self.sampler.stochastic)
        may_exist = options.overwrite or options.skip_existing
        check_outputs(self.inputs, options.out, options.samples, options.degrade, may_exist, options.way)
        self.side_info = SideInfo(options.mask, options.phase, options.kernel, options.photons)
        known = self._sigma(), options.tolerance, options.degrade, options.seed
        self.opener = ImageOpener(self.sampler, *known, int(1e6 * options.max_megapixels), self.side_info)
        asked = {name: getattr(options, name) for name in ASKED}
        if options.transport is not None:
            asked |= {"transport_sha256": sha256([options.transport]), "alpha": options.alpha}
        opened = {name: value and str(value) for name in OPENED for value in (getattr(options, name),)}
        self.records, self.start = Records(options.out), call_record(self.sampler, self.tiling, asked, opened)
        self.skipped = self.failed = 0

    def _opened(self) -> tuple[LoadedSampler | PictureMethod, Tiling | TransportedTiling | WholePicture]:
        options, device = self.options, device_of(self.options.device)
        if options.method is not None:
            from ..train.restore.by_method import WholePicture, open_method

            method = open_method(options, device)
            return method, WholePicture(method)
        from ..train.inference.load import load
        from ..train.restore.tiling import Tiling

        sampler = load(options.model, device, precision=options.precision)
        tiling = Tiling(sampler, options.tile, options.overlap)
        if tiling.whole and (options.tile, options.overlap) != (512, None):
            print(f"{PROGRAM}: --tile and --overlap have no use: the model takes a picture whole", file=sys.stderr)
        if options.transport is None:
            return sampler, tiling
        from ..train.restore.transported_tiling import transported

        return sampler, transported(tiling, options.transport, options.alpha)

    def _sigma(self) -> float | Literal["auto"] | None:
        """What pictures are told; of a method the degradation knows it, but for that of noise alone."""
        asks = "sigma" in getattr(self.sampler.degradation, "accepted_side_info", ())
        sigma: float | Literal["auto"] | None = self.options.sigma
        return sigma if (asks and not self.options.degrade) or self.options.method is None else None

    def run(self) -> int:
        """The exit code: 2 if one or more could not be restored.

        Raises:
            ValueError: if another process writes to the folder.
            OSError: if a record cannot be written.
        """
        from ..train.runs.folder import lock_folder

        out = self.options.out
        with lock_folder(out):
            note_start(out, self.start)
            try:
                with progress() as bar:
                    for place, one in enumerate(self.inputs, start=1):
                        task = bar.add_task(f"{place} of {len(self.inputs)}: {on_one_line(one.path.name)}", total=None)
                        self._restore(one, bar, task)
                        bar.remove_task(task)
            finally:
                self.records.close()
        if self.skipped:
            said = f"{self.skipped:,} of {len(self.inputs):,} files were restored before and are left out"
            print(f"{PROGRAM}: {said}", file=sys.stderr)
        return 2 if self.failed else 0

    def _restore(self, one: Input, bar: Progress, task: TaskID) -> None:
        """One file, or why not."""
        from ..train.restore.report import describe

        name, record = on_one_line(one.path), {"name": one.name, "file": str(one.path), "call": self.start["call"]}
        try:
            written = self._written(one, record, bar, task)
        except (ValueError, OSError, MemoryError, RuntimeError) as error:
            reason = _reason(error).removeprefix(f"{name}: ")
            print(f"{PROGRAM}: {name}: {reason}", file=sys.stderr)
            self.records.append(record | {"error": reason})
            self.failed += 1
            return
        for entry in written:
            print(describe(entry), flush=True)

    def _written(self, one: Input, record: dict[str, str], bar: Progress, task: TaskID) -> list[dict[str, Any]]:
        """What is known of the samples and of their mean; empty where they are left out."""
        from ..train.restore.by_method import WholePicture
        from ..train.restore.pipeline import Restoration

        options = self.options
        outputs = one.outputs(options.out, options.samples, options.degrade, options.way)
        files = [one.path, *self.side_info.files(one.path)]
        there = [path for path in outputs.all if options.skip_existing and os.path.lexists(path)]
        if there:
            same = self.records.hold(record | {"sha256": sha256(files)})
            if same and there == outputs.all:
                self.skipped += 1
                return []
            if not (same or options.overwrite):
                raise ValueError(f"{there[0]} is there, and not what this call makes of it; allow --overwrite")
        if one.path.is_dir() and os.access(one.path, os.R_OK):
            raise ValueError("it is a folder without pictures")
        y = self.opener.open(one.path)
        record = record | {"sha256": sha256(files)}
        for kind, sentences in (("note", y.facts["notes"]), ("warning", y.warnings)):
            for sentence in sentences:
                print(f"{PROGRAM}: {kind}: {on_one_line(one.path)}: {sentence}", file=sys.stderr)
        outputs.mean.parent.mkdir(parents=True, exist_ok=True)
        restoration = Restoration(self.tiling, y, outputs, options.average, options.seed, options.sigma_z)
        steps = restoration.steps
        if isinstance(self.tiling, WholePicture):
            steps += options.average * self.tiling.method.rule.calls
            self.tiling.called = lambda: bar.advance(task)
            print(f"{PROGRAM}: {on_one_line(one.path)}: {self.tiling.cost(y, options.average)}", file=sys.stderr)
        bar.update(task, total=steps)
        restoration.run(lambda: bar.advance(task))
        bar.update(task, description=f"writing {on_one_line(one.path.name)}")  # of large pictures a quarter of the time
        way = self.tiling.way if isinstance(self.tiling, WholePicture) else ()
        written = restoration.write(lambda found: self.records.append({**record, **found}), way)
        return [*written["samples"], written["mean"]]


def _reason(error: Exception) -> str:
    """Why a file was not restored, on one line; a defect of ours is raised again."""
    text = on_one_line(" ".join(str(error).split()))
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        return f"it does not fit into memory: {text}"
    if isinstance(error, RuntimeError):
        raise error
    return text


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan restore``."""
    options = parse(arguments)
    with report_user_errors(PROGRAM):
        check(options)
        try:
            code = RestoreCommand(options).run()
        except KeyboardInterrupt:
            print("interrupted; the same command with --skip-existing goes on", file=sys.stderr)
            raise
    sys.exit(code)


if __name__ == "__main__":
    main()
