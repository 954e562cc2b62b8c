"""What ``degradation=NAME`` stands for, composed by itself; of all that make a y which a picture file holds."""

import warnings
from functools import cache
from importlib.resources import files

from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import OmegaConf

NAMES = sorted(
    path.name.removesuffix(".yaml")
    for path in (files("pscgan.conf") / "degradation").iterdir()
    if path.name.endswith(".yaml") and path.name not in ("recorded.yaml", "nothing.yaml")
)


@cache
def chosen(name):
    """Plain values, of colour images."""
    with warnings.catch_warnings(), initialize_config_module("pscgan.conf", version_base="1.3"):
        warnings.filterwarnings("ignore", ".*Defaults list is missing `_self_`")
        config = compose(f"degradation/{name}", ["+dataset.channels=3"])
    return OmegaConf.to_container(config.degradation, resolve=True)


@cache
def built(name):
    return instantiate(chosen(name), _convert_="all")
