"""What a command says of its run: the name of its folder, and the keys that make another run. It imports no torch."""

import hashlib
from collections.abc import Sequence

LONGEST_NAME = 100
RESERVED = dict.fromkeys(map(ord, '<>:"|?*\\'), "-")  # in names of files of Windows and exFAT, and in those of wandb
NOT_OF_THE_NAME = "logger="
# keys that do not change what is learned: a run continues whatever they are
# (``baseline_run`` is of another run, which one that has begun at it does not read again)
RESUMABLE_KEYS = (
    *("logger.", "callbacks.", "folder", "dataset.num_workers", "trainer.", "allow_changed_config", "baseline_run."),
)
# what an optimiser keeps, or starts with, depends on them
OPTIONS_OF_STATE = ("_target_", "amsgrad", "centered", "momentum", "initial_accumulator_value")
# keys whose change makes another run of it: another network, other images, another problem, another optimiser
FIXED_KEYS = (
    *("generator.", "critic.", "degradation.", "seed", "init_from"),
    *(f"{network}_optimizer.{option}" for network in ("generator", "critic") for option in OPTIONS_OF_STATE),
    *("dataset.root", "dataset.recorded", "dataset.channels", "dataset.valid", "dataset.test"),
)
# keys whose change makes another measure of the CRPS: the lowest so far is then the next one
VALIDATION_KEYS = ("evaluation.samples", "evaluation.seed", "dataset.evaluation_crop", "dataset.resize")


def run_name(name: str, overrides: str) -> str:
    """A folder's name from a run's name and the overrides of its command: another command, another folder."""
    suffix = "".join(c if c.isalnum() or c in "=.,-_" else "-" for c in overrides if c not in "[]{}'\" ")
    if len(suffix) > LONGEST_NAME:
        digest = hashlib.blake2b(overrides.encode(errors="surrogateescape"), digest_size=4)
        suffix = f"{suffix[: LONGEST_NAME - 9]}-{digest.hexdigest()}"
    return (f"{name},{suffix}" if suffix else str(name)).translate(RESERVED)


def sweep_name(experiment: str, overrides: Sequence[str]) -> str:
    """A folder's name from the command of a sweep: another command, another folder."""
    said = f"experiment={experiment}"
    return run_name(experiment, ",".join(o for o in overrides if o != said and not o.startswith(NOT_OF_THE_NAME)))
