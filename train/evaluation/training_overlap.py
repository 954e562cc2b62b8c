"""Whether figures are measured with a network that has taken part in the training: such figures say nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = re.compile(r"(?P<network>.+?) \[[^\]]*\], (?P<source>.+), sha256 (?P<hash>[0-9a-f]{12})")


def judges_itself(extractor: str, feature_networks: Sequence[str]) -> list[str]:
    """Those of a run's frozen networks that are the extractor's.

    The same network is one of equal weights, whatever its layers. Older versions left what is behind the last layer out
    of the hash, so a network of the same name from the same source is taken for the same one as well.

    Args:
        extractor: ``identity`` of an extractor.
        feature_networks: identities as ``run.json`` names them, or ``feature_networks`` of a ``GANStep``.

    Returns:
        Their identities; none if the extractor is free to judge.

    Raises:
        ValueError: if a line names no network with its source and hash.
    """
    network, source, weights = _parts(extractor)
    return [
        line for line in feature_networks if (parts := _parts(line))[2] == weights or parts[:2] == (network, source)
    ]


def _parts(identity: str) -> tuple[str, str, str]:
    found = LINE.match(identity)
    if found is None:
        raise ValueError(f'identity is "{identity}"; allowed is "NETWORK [LAYERS], SOURCE, sha256 HASH"')
    return found["network"], found["source"], found["hash"]
