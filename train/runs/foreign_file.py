"""What a file is that pscgan has not written, told by how it begins or by names in it; no code of it is run."""

import zipfile
from pathlib import Path

WEIGHTS = "weights without the config of their network, which pscgan evaluate takes by _target_"
HEADS = {
    b"version https://git-lfs": "a pointer of Git LFS, which git lfs pull replaces by the file",
    b"<": "a page of HTML or XML, as a failed download leaves",
    b"{": "JSON, as a failed download leaves",
    b"\x80": "a pickle, which would run code if it were opened",
    b"\x08": "an ONNX graph, for other programs",
    b"GGUF": "a GGUF file, for other programs",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"": "no checkpoint and no export of pscgan",
}
ARCHIVES = {  # by names of members, or in the pickle of torch.save
    b"/constants.pkl": "a TorchScript graph, for other programs",
    b"/models/model.json": "a graph of torch.export, for other programs",
    b"torch.nn.modules": "a pickled network, which would run code if it were opened",
    b"pytorch-lightning_version": "a Lightning checkpoint of another project",
    b"params": f"in the layout of BasicSR and KAIR: {WEIGHTS}",
    b"state_dict": "a checkpoint of another project",
    b"_rebuild_tensor": WEIGHTS,
    b"": "an archive of another kind",
}
REMEDY = "a model is what pscgan train or pscgan export wrote"
PICKLE = 2**20  # bytes of it that are searched


def is_archive(path: Path) -> bool:
    """Whether a file begins as those of ``torch.save``."""
    return _head(path).startswith(b"PK")


def foreign(path: Path) -> str | None:
    """What is said behind a file's name: what it is, and what it should be; None if it begins as an export does."""
    head = _head(path)
    if head[8:9] == b"{":
        return None
    if head.startswith(b"PK"):
        content = _content(path)
        kind = next(kind for part, kind in ARCHIVES.items() if part in content)
    else:
        kind = next(kind for start, kind in HEADS.items() if head.lstrip().startswith(start)) if head else "empty"
    return f"is {kind}; {REMEDY}"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _content(path: Path) -> bytes:
    """Names of members, and the pickle among them."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")][:1]
        return b" ".join([*map(str.encode, names), *(archive.open(name).read(PICKLE) for name in pickles)])
