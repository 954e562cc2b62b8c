"""Options of ``pscgan restore``: what is out of range, or does not go together, is named before any work."""

import argparse
import math

from ...checks import require_in

AUTO = "auto"  # of sigma
ALPHAS = "[-1, 2]"  # as of a transport


def check(options: argparse.Namespace) -> None:
    """Raise a ValueError that names the first option that is out of range; fill in what has a default."""
    if options.demo:
        from ...data.sources.open_source import PHOTOS
        from ...data.splits import held_out_photographs

        options.inputs = [*options.inputs, *(str(PHOTOS / name) for name in held_out_photographs())]
        options.degrade = True
        if options.method is None:
            options.model = options.model or "bundled:demo"
    for name in ("samples", "average"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be >= 1, got {value}")
    for name in ("sigma_z", "tolerance"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"--{name.replace('_', '-')} must be >= 0, got {value}")
    if not options.max_megapixels > 0:
        raise ValueError(f"--max-megapixels must be > 0, got {options.max_megapixels}")
    if options.sigma not in (None, AUTO):
        try:
            options.sigma = float(options.sigma)
        except ValueError as error:
            raise ValueError(f"--sigma must be a number on the 0..255 scale, or auto, got {options.sigma}") from error
    given = [name for name in ("denoiser", "gan", "degradation", "way") if getattr(options, name)]
    if given and options.method is None:
        raise ValueError(f"--{given[0]} goes with --method, which is not given")
    if options.alpha is not None and options.transport is None:
        raise ValueError("--alpha goes with --transport, which is not given")
    if options.transport is not None:
        if options.method is not None:
            raise ValueError("--transport goes with --model, got --method")
        options.alpha = 0.0 if options.alpha is None else options.alpha
        require_in(ALPHAS, **{"--alpha": options.alpha})
    if not options.inputs:
        raise ValueError("INPUT must be picture files, folders or patterns, got none; or --demo")
    if options.method is not None:
        from .by_method import check_options

        check_options(options)
    elif options.model is None:
        raise ValueError("--model must be what pscgan export or pscgan train wrote, or bundled:NAME, got none")


def fill_in(options: argparse.Namespace, stochastic: bool) -> None:
    """Write the numbers of samples that are not given to the options."""
    if options.samples is None:
        options.samples = 8 if stochastic else 1
    if options.average is None:
        options.average = options.samples
    if options.average < options.samples:
        raise ValueError(f"--average must be >= --samples ({options.samples}), got {options.average}")
    if options.average > 1 and not stochastic:
        name = "samples" if options.samples > 1 else "average"
        value = getattr(options, name)
        raise ValueError(f"--{name} must be 1 for the deterministic generator of {options.model}, got {value}")
