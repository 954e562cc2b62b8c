"""Whether a composed config fits what it is for, asked before anything is built: by its defaults, and by signatures."""

import inspect
import json
import types
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from importlib.resources import files
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from hydra._internal.utils import _locate
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from ...checks import closest
from .baseline import BASELINE, baseline_config

STEP, MODULE = "pscgan.train.gan_step.GANStep", "pscgan.train.lightning_module.SamplerModule"
VALIDATION = "pscgan.train.lightning_module.ValidationConfig"
IMAGES, SETTINGS = "pscgan.train.evaluation.dataset.ImageChoice", "pscgan.train.evaluation.evaluator.Settings"
SIGNATURES: dict[str, dict[str, str | None]] = {
    "train": {"": MODULE, "gan_step": STEP, "evaluation": VALIDATION, "baseline_run": None},
    "evaluate": {"": SETTINGS, "images": IMAGES, "reference": IMAGES, "trainer": "pytorch_lightning.Trainer"},
    "posterior_benchmark": {"gan_step": STEP, "objectives": None, "comparators": None},
}
"""By program and part of its config ("" is the top), what takes the values as arguments; None has any names."""
MISSING = "???"  # as OmegaConf writes a value that must be given
WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
COMPONENT = "a component (a mapping with _target_)"


def check_config(config: DictConfig, program: str) -> None:
    """Refuse the first key that there is not, and the first value of a wrong type.

    Keys of the program are those of its YAML file, and their types those of its defaults. Arguments of a component are
    those of its signature, with the types of its hints, whoever wrote it; that is imported only if the rest is right.

    Of a run that begins at its baseline the config of that is checked as well.

    Args:
        config: composed; Hydra's own part is left out.
        program: name of the YAML file in ``pscgan.conf``.

    Raises:
        ValueError: naming key, type and value.
    """
    config = OmegaConf.masked_copy(config, [str(name) for name in config if name != "hydra"])
    values: Any = OmegaConf.to_container(config, resolve=True)
    defaults: Any = OmegaConf.to_container(OmegaConf.create((files("pscgan.conf") / f"{program}.yaml").read_text()))
    groups = {str(name).rpartition("@")[2] for entry in defaults["defaults"] if entry != "_self_" for name in entry}
    own = {name: default for name, default in defaults.items() if name not in ("defaults", "hydra", *groups)}
    plain = {name: value for name, value in values.items() if name not in groups}
    for name in own.keys() - plain.keys():
        raise ValueError(f"{name} must be given, as {name}={_shown(own[name])}")
    _check_own("", plain, own, [*own, *groups], SIGNATURES[program])
    untyped = {name: plain[name] for name, default in own.items() if hint_of(default) is None}
    for part, path in SIGNATURES[program].items():
        if path is not None:
            _check_arguments(part, plain[part] if part else untyped, path)
    for name in groups & values.keys():
        _check_group(name, values[name], is_optional=name in defaults)
    _check_components("", values)
    if values.get("init_from") == BASELINE:
        check_config(baseline_config(config), program)


def check_sweep(config: DictConfig, program: str) -> None:
    """Each value of a sweep once, so that a slip in the last is refused before the first run.

    Raises:
        ValueError: see ``check_config``.
        hydra.errors.HydraException: if one cannot be composed.
    """
    loader, swept = GlobalHydra.instance().config_loader(), config.hydra.sweeper.get("params") or {}
    words = [*(f"{key}={value}" for key, value in swept.items()), *config.hydra.overrides.task]
    choices = []
    for one in OverridesParser.create(loader).parse_overrides(words):
        if one.is_discrete_sweep():
            choices.append([f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()])
        elif not one.is_sweep_override():
            choices.append([str(one.input_line)])
    for place in range(max(map(len, choices), default=1)):
        job = loader.load_sweep_config(config, [values[place % len(values)] for values in choices])
        with open_dict(job.hydra.runtime):
            job.hydra.runtime.output_dir = ""
        HydraConfig.instance().set_config(job)
        check_config(job, program)


def _check_own(part: str, values: Any, defaults: Mapping[str, Any], names: Iterable[str], signed: Any) -> None:
    """Keys and types by defaults; types of a part that has a signature follow later."""
    if not isinstance(values, dict):
        raise ValueError(f"{part} must be a mapping of {', '.join(defaults)}, got {_shown(values)}")
    for name, value in values.items():
        key = f"{part}.{name}" if part else str(name)
        if name not in defaults:
            raise ValueError(f"there is no {key}{closest(str(name), names)}")
        if defaults[name] and isinstance(defaults[name], dict):
            if signed.get(key, key) is not None:
                _check_own(key, value, defaults[name], defaults[name], signed)
        elif part not in signed or not part:
            _check_type(key, value, hint_of(defaults[name]))


def hint_of(default: Any) -> Any:
    """The type that a default shows; None where it shows none."""
    if default is None or default == MISSING or isinstance(default, dict):
        return None
    if isinstance(default, list):
        return list[type(default[0])] if default else list  # type: ignore[misc]
    return str | int | float if isinstance(default, str) else type(default)


def _check_group(name: str, value: Any, is_optional: bool) -> None:
    """A component, or components by name; null only where the default is null."""
    parts = {name: value}
    if isinstance(value, dict) and "_target_" not in value:
        parts = {f"{name}.{child}": part for child, part in value.items()}
    for key, part in parts.items():
        if not (isinstance(part, dict) and "_target_" in part) and not (is_optional and key == name and part is None):
            remedy = f"; '~{key}' takes it out" if part is None and key != name else ""
            raise ValueError(f"{key} must be {COMPONENT}, got {_shown(part)}{remedy}")


def _check_components(key: str, value: Any) -> None:
    """All components at any depth."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict) and "_target_" in value:
        arguments = {name: argument for name, argument in value.items() if not str(name).startswith("_")}
        _check_arguments(key, arguments, str(value["_target_"]), is_whole=True)
    for name, child in children:
        _check_components(f"{key}.{name}" if key else str(name), child)


def parameters_of(path: str) -> Mapping[str, inspect.Parameter]:
    """Parameters of a callable, types evaluated where they can be.

    Raises:
        ImportError: if there is none of this name.
        TypeError: if it is no callable.
        ValueError: if it has no signature.
    """
    target = _locate(path)
    try:
        return inspect.signature(target, eval_str=True).parameters
    except NameError:  # of an import for type checkers alone
        return inspect.signature(target).parameters


def _check_arguments(part: str, arguments: Mapping[str, Any], path: str, is_whole: bool = False) -> None:
    """Types of arguments, and names where no others are taken; what cannot be imported is left to who builds it."""
    try:
        parameters = parameters_of(path)
    except ImportError:
        _require_name(part, path)
        return
    except (TypeError, ValueError):
        return
    is_open = not is_whole or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name, value in arguments.items():
        key, parameter = f"{part}.{name}" if part else str(name), parameters.get(name)
        if parameter is None and not is_open:
            raise ValueError(f"there is no {key}{closest(str(name), parameters)}")
        if parameter is not None and (value != parameter.default or type(value) is not type(parameter.default)):
            _check_type(key, value, parameter.annotation)


def _require_name(part: str, path: str) -> None:
    module, _, name = path.rpartition(".")
    try:
        found = vars(import_module(module))
    except ImportError:
        return
    own = [key for key, value in found.items() if getattr(value, "__module__", None) == module and key[0] != "_"]
    raise ValueError(f"{part}._target_: there is no {name} in {module}{closest(name, own)}")


def _check_type(key: str, value: Any, hint: Any) -> None:
    if value == MISSING:
        raise ValueError(f"{key} must be given, as {key}=...")
    if hint is None or _fits(value, hint):
        return
    remedy, kind = "", described(hint)
    if isinstance(value, float) and value.is_integer() and _fits(int(value), hint):
        remedy = f"; write {int(value)}"
    elif isinstance(value, int | float) and _fits(str(value), hint):
        remedy = f"; quote it: '{key}=\"{_shown(value)}\"'"
    elif "a list" in kind and _fits([value], hint):
        remedy = f"; write '{key}=[{_shown(value)}]'"
    raise ValueError(f"{key} must be {kind}, got {_shown(value)}{remedy}")


def _fits(value: Any, hint: Any) -> bool:
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if kind is Literal:
        return value in arguments
    if isinstance(kind, TypeVar):
        return not kind.__constraints__ or any(_fits(value, one) for one in kind.__constraints__)
    if kind in (Any, object, inspect.Parameter.empty) or not isinstance(kind, type):
        return True
    if kind in (bool, int, str, type(None)) or value is None:
        return type(value) is kind
    if kind is float:
        return type(value) in (int, float)
    if isinstance(value, dict):
        return "_target_" in value or not issubclass(kind, list | tuple)
    if isinstance(value, list):
        return not issubclass(kind, Mapping) and _elements_fit(value, kind, arguments)
    return issubclass(kind, Enum) or (isinstance(value, str) and hasattr(kind, "__fspath__"))


def _elements_fit(values: list[Any], kind: type, arguments: tuple[Any, ...]) -> bool:
    if kind is tuple and arguments and arguments[-1] is not Ellipsis:
        return len(values) == len(arguments) and all(map(_fits, values, arguments))
    return not arguments or all(_fits(value, arguments[0]) for value in values)


def described(hint: Any) -> str:
    """A type in the words of the messages."""
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, types.UnionType):
        kinds = dict.fromkeys(map(described, arguments))
        return " or ".join([one for one in kinds if one != COMPONENT or kinds.keys() <= {COMPONENT, "null"}])
    if kind is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if kind in (list, tuple, Sequence, Iterable):
        elements = ", ".join("..." if argument is Ellipsis else described(argument) for argument in arguments)
        return f"a list [{elements}{'' if kind is tuple else ', ...'}]" if arguments else "a list"
    return WORDS.get(kind, COMPONENT)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
