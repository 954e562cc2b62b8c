"""What is wrong with an override of a command, in one line: the part, the nearest name, only a remedy that works."""

import re
import shlex
from contextlib import suppress
from difflib import get_close_matches
from importlib.resources import files
from traceback import walk_tb
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from ...checks import closest
from .config_check import parameters_of

CONF = files("pscgan.conf")
IN_OTHER_WORDS = {  # what Hydra says, and what we say
    r"Ambiguous value for argument '(.+)'": "{0} is several values: decimals have a point, lists brackets, sweeps -m",
    r"Sweep parameters '(.+)' requires": "{0} is a sweep, which needs -m",
    r"An item is already at '(.+?)'": "there is {0} already; it is set without +",
    r"(\S+) appears more than once in the final": "there is {0} already; it is chosen without +",
    r"force-add of config groups .+'\+\+(.+)'": "what is chosen is set without +; write {0}",
    r"Could not override '(.+)'\.\s+Did you mean to override.*? (\S+@.+)\?": "there is no {0}; there are {1}",
    r"Could not override '(.+)'\. No match in the defaults": "nothing in this config is chosen by {0}",
    r"Could not delete '(.+)'\. No match in the defaults": "~{0} names no choice that can be taken out",
}


def options_of(*groups: str) -> str:
    """A line of help for each group of ``pscgan.conf``: its name and its options."""
    return "\n".join(f"{group}: {', '.join(option_names(group))}" for group in groups)


def override_error(error: Exception) -> str | None:
    """The line for an error of Hydra on its way to a composed config; None for any other."""
    cause, text = error.__cause__, str(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override, error.message)
    if isinstance(error, MissingConfigException):
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        asked = f"{group}={name}" if group else f"config {name}"
        return f"there is no {asked}{closest(name, error.options or option_names(group))}"
    if isinstance(cause, ValidationError):
        return f"{cause.full_key}: {str(cause).splitlines()[0]}"
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        return _unknown(str(cause.full_key), cause.parent_node)
    if text.startswith("Could not delete from config") and text.endswith("does not exist."):
        key = text.split("'")[1]
        parent = OmegaConf.select(_local(error, "cfg"), key.rpartition(".")[0] or "???", default=_local(error, "cfg"))
        return _unknown(key, parent)
    if text.startswith("Config group override must be"):
        return _no_option(_local(error, "override").input_line)
    found = ((line, re.search(pattern, text)) for pattern, line in IN_OTHER_WORDS.items())
    return next((line.format(*match.groups()) for line, match in found if match), None)


def _local(error: Exception, name: str) -> Any:
    """A variable of Hydra where it raised the error: the message does not name the part."""
    return [frame.f_locals[name] for frame, _ in walk_tb(error.__traceback__) if name in frame.f_locals][-1]


def option_names(group: str) -> list[str]:
    """Names of the configs in a group; of the top without one."""
    folder = CONF / group.partition("@")[0]
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def _groups() -> list[str]:
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir() and option_names(folder.name))


def _unknown(full_key: str, parent: DictConfig) -> str:
    """The nearest of the keys there are; else of all that the component takes, which the config need not list."""
    name, target = full_key.rpartition(".")[2], parent.get("_target_")
    names = [str(key) for key in parent if key != "hydra" and str(key)[0] != "_"]
    if "." not in full_key:
        names += _groups()
    if target is not None and not get_close_matches(name, names):
        with suppress(ImportError, TypeError, ValueError):
            names += parameters_of(target)
        if name in names:
            return f"there is no {full_key} in this config; +{full_key}=... gives it to {target}"
    return f"there is no {full_key}{closest(name, names)}"


def _no_option(word: str) -> str:
    """Of an override of a group by null or a number."""
    group = word.partition("=")[0]
    if not group:
        return f"{word} must be KEY=VALUE"
    remedy = f"; '~{group}' goes without" if f"\n{group}: null" in (CONF / "train.yaml").read_text() else ""
    return f"{word} must name one of {', '.join(option_names(group))}{remedy}"


def _unreadable(word: str, reason: str) -> str:
    key, equals, value = word.partition("=")
    if not equals:
        chosen = [f", did you mean {group}={word}?" for group in _groups() if word in option_names(group)]
        return f"{word} must be KEY=VALUE{chosen[0] if chosen else ''}"
    if "while evaluating" in reason:
        return f"{word}: {reason.splitlines()[1]}"
    if value.startswith("="):
        return f"{word} has a = too many, did you mean {key}={value.lstrip('=')}?"
    if value.startswith("~/"):
        return f"{word}: nothing expands ~ here; write {key}=$HOME{value[1:]}"
    if value.startswith("[") and value.endswith("]"):
        return f"{word} cannot be read; quote what has other signs than letters: '{key}=[\"a,b=c\",d]'"
    quoted = f'{key}="{value.replace(chr(34), chr(92) + chr(34))}"'
    try:
        OverridesParser.create().parse_override(quoted)
    except HydraException:
        return f"{word} must be KEY=VALUE, and {key} is no key"
    return f"{word} cannot be read; quote the value: {shlex.quote(quoted)}"
