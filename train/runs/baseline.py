"""The MMSE baseline that a run with ``init_from=baseline`` begins at: a run of the same command beside it."""

import os
from importlib.resources import files
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from .provenance import flatten_config

BASELINE = "baseline"  # the value of init_from that has it trained first


def baseline_folder(folder: str) -> str:
    """Of the baseline of the run in ``folder``."""
    return f"{os.path.abspath(folder)}_mmse"


def baseline_config(config: DictConfig) -> DictConfig:
    """Composed by the running application from the overrides of this run, but for what ``baseline=mmse`` sets itself.

    Raises:
        ValueError: if the generator cannot be told to have no z.
        hydra.errors.HydraException: if it cannot be composed.
    """
    if "latent_channels" not in config.generator:
        raise ValueError(
            f"init_from=baseline needs a generator with latent_channels, and {config.generator._target_} has none; "
            "choose init_from=null, or train its baseline as a run of its own and give its folder, init_from=RUN"
        )
    values: Any = OmegaConf.to_container(OmegaConf.create((files("pscgan.conf") / "baseline/mmse.yaml").read_text()))
    parts = [name.rpartition("/")[2].rpartition("@")[2] for choice in values.pop("defaults") for name in choice]
    agent = ["logger"] if os.environ.get("WANDB_RUN_ID") else []  # which has one run of wandb for both
    left_out = tuple(f"{key}." for key in ("baseline", *parts, *flatten_config(values), *agent))
    overrides = OverridesParser.create().parse_overrides(list(HydraConfig.get().overrides.task))
    kept = [one for one in overrides if not f"{one.package or one.key_or_group}.".startswith(left_out)]
    baseline = compose(HydraConfig.get().job.config_name, [*(str(one.input_line) for one in kept), "baseline=mmse"])
    baseline.folder, baseline.name = baseline_folder(config.folder), f"{config.name}_mmse"
    return baseline
