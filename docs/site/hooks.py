"""What mkdocs does beside its plugins: pages made from the code, links to files of the repository, tutorials."""

import json
import posixpath
import re
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pscgan.docs.site import notebooks, reference
from pscgan.docs.site.schema import schema

ROOT = Path(__file__).parents[2]
FRONT = {"README.md": "overview.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
LOADED = re.compile(
    r"""<(?!a\s|link\s[^>]*rel=["']?(?:canonical|next|prev)\b)\w+\s[^>]*?(?:src|href|data)=["']?((?:https?:)?//[^"'\s>]+)"""
)
"""What a page loads from elsewhere; links that a reader follows are none of it."""
PACKAGE = tempfile.TemporaryDirectory()
"""The package without tests, environments and links to itself, which would be searched for modules as well."""
tutorials: list[Future[dict[str, str | bytes]]] = []


def on_startup(command: str, dirty: bool) -> None:
    """Begin to run the tutorials of a site that is built; of one that is served they are shown as they are stored."""
    sources = sorted((ROOT / "docs").glob("tutorials/*.ipynb"))
    tutorials[:] = [ThreadPoolExecutor(1).submit(notebooks.pages, sources, run=command == "build")]


@event_priority(100)  # before mkdocstrings reads its part
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say where the package lies, and put the generated pages into the navigation."""
    package = Path(PACKAGE.name) / "pscgan"
    package.mkdir(exist_ok=True)
    for name in ("__init__.py", *reference.PUBLIC):
        if not (package / name).exists():
            (package / name).symlink_to(ROOT / name)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [PACKAGE.name]
    pages = list(generated())
    (part,) = (entry["Reference"] for entry in config.nav or [] if "Reference" in entry)
    for title, folder in (("Configuration", reference.CONFIG), ("API", reference.API)):
        part.append({title: [{Path(page).stem: page} for page in pages if page.startswith(f"{folder}/")]})
    return config


@cache
def generated() -> dict[str, str]:
    """By name, the pages of the reference."""
    return dict([("reference/command_line.md", reference.command_line()), *reference.configs(), *reference.api()])


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files below ``docs``, and the files that pages link to."""
    made = generated() | {name: (ROOT / source).read_text() for source, name in FRONT.items()}
    made["reference/train.schema.json"] = json.dumps(schema(), indent=1)
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    shim = ROOT / "docs" / "site" / "iframe-worker.js"
    files.append(File.generated(config, "assets/iframe-worker.js", abs_src_path=str(shim)))
    for name, data in tutorials[0].result().items():
        files.append(File.generated(config, name, content=data))
    for page in [file for file in files if file.is_documentation_page()]:
        for _, target, _ in LINK.findall(page.content_string):
            linked = repository_path(page.src_uri, target)
            path, name = ROOT / linked, place_of(linked).partition("#")[0]
            if path.is_file() and files.get_file_from_path(name) is None:
                files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def repository_path(page: str, target: str) -> str:
    """The path in the repository of what a page links to."""
    source = next((source for source, name in FRONT.items() if name == page), f"docs/{page}")
    if page.startswith("source/"):
        source = page.removeprefix("source/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


@cache
def modules() -> dict[str, str]:
    """Where the files of the package are shown."""
    return reference.modules()


def place_of(path: str) -> str:
    """Where the site shows a file or folder of the repository."""
    if path in FRONT:
        return FRONT[path]
    if path in modules():
        return modules()[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/").replace(".ipynb", ".md")
    conf = path.removesuffix(".yaml").split("/")
    if conf[0] == "conf" and len(conf) > 1:
        is_group = (ROOT / "conf" / conf[1]).is_dir()
        return f"{reference.CONFIG}/{conf[1]}.md" + (f"#{conf[2]}" if is_group and len(conf) > 2 else "")
    return f"source/{path}"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have links to files of the repository lead to where the site shows them."""
    uri = page.file.src_uri
    if uri.startswith("reference/"):
        return markdown

    def led(match: re.Match[str]) -> str:
        place, _, anchor = place_of(repository_path(uri, match[2])).partition("#")
        relative = posixpath.relpath(place, posixpath.dirname(uri) or ".")
        return f"{match[1]}{relative}{match[3] or (f'#{anchor}' if anchor else '')})"

    return LINK.sub(led, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from another host; what searches a page opened from a folder lies here."""
    site = Path(config.site_dir)
    for path in site.rglob("*.html"):
        here = posixpath.relpath("assets/iframe-worker.js", path.parent.relative_to(site).as_posix())
        text = path.read_text().replace("https://unpkg.com/iframe-worker/shim", here)
        path.write_text(text)
        if foreign := LOADED.findall(text):
            raise PluginError(f"{path.name} loads {foreign[0]} from another host")
