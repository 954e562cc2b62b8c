"""Names of a great many images."""

import hashlib
from collections.abc import Iterable


def digest(parts: Iterable[str | bytes]) -> str:
    """The first 12 hex digits of the SHA-256 of all parts."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:%s" % (len(data), data))
    return sha.hexdigest()[:12]
