"""The pages of the reference, as Markdown: API, configs, command line."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from pscgan.__main__ import VERBS
from pscgan.train.runs.config_check import described, hint_of

from .config import CONF, Key, Option, options

ROOT = CONF.parent
PUBLIC = ("losses", "models", "data", "train", "linear_problem.py", "rng.py")
"""What the API has; ``scripts`` is the command line."""
TEXT = hint_of("")
API, CONFIG = "reference/api", "reference/config"


def modules() -> dict[str, str]:
    """By path of a file or folder, the page and anchor of its API."""
    found = {}
    for name in PUBLIC:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            parts = file.relative_to(ROOT).with_suffix("").parts
            page = f"{API}/{'.'.join(parts[:-1]) or 'pscgan'}.md"
            if parts[-1] == "__init__":
                found["/".join(parts[:-1])] = page
            else:
                found["/".join(parts) + ".py"] = f"{page}#{'.'.join(('pscgan', *parts))}"
    return found


def api() -> Iterator[tuple[str, str]]:
    """A page a package."""
    files = [target.partition("#")[::2] for target in modules().values() if "#" in target]
    for page, group in groupby(sorted(files, key=lambda file: Path(file[0]).stem), lambda file: file[0]):
        name = Path(page).stem
        blocks = "\n\n".join(f"::: {anchor}" for _, anchor in group)
        yield page, f"# {name}\n\n{blocks}\n"


def configs() -> Iterator[tuple[str, str]]:
    """A page a program, then one a group."""
    files = options()
    uses = dict(_uses(files))
    for file in files:
        if file.path.parent == CONF:
            yield f"{CONFIG}/{file.path.stem}.md", f"# {file.path.stem}.yaml\n\n{file.meaning}\n\n{_table(file)}"
    groups = groupby((file for file in files if file.path.parent != CONF), lambda file: file.path.parent.name)
    for group, members in groups:
        several = list(members)
        rows = "".join(f"| [`{one.path.stem}`](#{one.path.stem}) | {_cell(one.meaning)} |\n" for one in several)
        text = f"# {group}\n\n{uses.get(group, '')}\n\n| option | meaning |\n|---|---|\n{rows}\n"
        yield f"{CONFIG}/{group}.md", text + "\n".join(map(_option, several))


def _uses(files: list[Option]) -> Iterator[tuple[str, str]]:
    """How a group is chosen, and which option is the default, by the lists of the programs."""
    lines: dict[str, list[str]] = {}
    for program in (file for file in files if file.path.parent == CONF):
        for entry in program.defaults:
            for choice, default in entry.items() if isinstance(entry, dict) else ():
                if not choice.startswith("override"):
                    group, _, place = choice.partition("@")
                    example = f"{choice}=[NAME]" if isinstance(default, list) else f"{choice}=NAME"
                    named = ", ".join(default) if isinstance(default, list) else default
                    line = f"`{example}` of `{program.path.stem}.yaml`, by default `{named or 'null'}`"
                    lines.setdefault(group, []).append(f"- {line}; its values are `{place or group}.KEY=VALUE`.")
    yield from ((group, "\n".join(several)) for group, several in lines.items())


def _option(file: Option) -> str:
    text = file.path.read_text()
    body = _table(file) if file.targets else f"```yaml\n{text}```\n"
    built = f"Builds {_link(file.targets[''])}. " if "" in file.targets else ""
    bases = [base for entry in file.defaults if (base := _base(entry, file)) is not None]
    return f"## `{file.path.stem}` {{ #{file.path.stem} }}\n\n{file.meaning} {built}{''.join(bases)}\n\n{body}"


def _base(entry: Any, file: Option) -> str | None:
    """What a line of a file's own list of defaults means."""
    if entry == "_self_":
        return None
    if isinstance(entry, str):
        name, _, place = entry.partition("@")
        return f"Has the values of [`{name}`](#{name}){f' as `{place}`' if place else ''}. "
    ((choice, name),) = entry.items()
    group, _, place = choice.removeprefix("override").strip(" /").partition("@")
    named = f"`{name}`" if not isinstance(name, str) or group.startswith("hydra") else f"[`{name}`]({group}.md#{name})"
    return f"`{place or group}` is {named}. "


def _table(file: Option) -> str:
    rows = "".join(_row(file, key) for key in file.keys)
    return f"| key | default | meaning |\n|---|---|---|\n{rows}\n" if rows else ""


def _row(file: Option, key: Key) -> str:
    has_parts = any(other.name.startswith((f"{key.name}.", f"{key.name}[")) for other in file.keys)
    if target := file.targets.get(key.name):
        default = _link(target)
    elif key.default == "???":
        default = "must be given"
    else:
        default = "" if has_parts else _code(_plain(key.default))
    name = _code(key.name) + ("" if key.is_written else " +")
    return f"| {name} | {default} | {_cell(': '.join(filter(None, (_kind(key), key.meaning))))} |\n"


def _kind(key: Key) -> str:
    if key.hint is None or (key.default is None and key.hint is inspect.Parameter.empty):
        return ""
    return "*text*" if key.hint == TEXT else f"*{described(key.hint)}*"


def _plain(value: Any) -> str:
    if isinstance(value, str | int | float | list | tuple | dict | None):
        plain = list(value) if isinstance(value, tuple) else value
        text: str = yaml.safe_dump(plain, default_flow_style=True, width=1000, allow_unicode=True)
        return text.strip().removesuffix("...").strip()
    return str(getattr(value, "__name__", value))


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def _link(target: str) -> str:
    """To the API of a class of ours."""
    name = target.rpartition(".")[2]
    return f"[`{name}`][{target}]" if target.startswith("pscgan.") else f"`{target}`"


def command_line() -> str:
    """What ``--help`` prints, of every verb."""
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(_help, VERBS))
    blocks = [f"## {verb}\n\n```text\n{text}\n```\n" for verb, text in zip(VERBS, texts, strict=True)]
    return "# Command line\n\n`pscgan VERB --help` prints what stands here.\n\n" + "\n".join(blocks)


def _help(verb: str) -> str:
    command = [sys.executable, "-m", "pscgan", verb, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
