"""What becomes of memory that tensors no longer need."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the tensors to come; elsewhere than under glibc, do nothing.

    It gives large blocks back to the system and asks for them again at each operation, and the system hands them out
    page by page, each filled with zeros: that can take longer than the operation. What is kept lies in pieces, so the
    peak may be higher by a few of the largest blocks.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
