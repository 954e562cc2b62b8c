"""Batches from a data set, with the user's errors as they were raised."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

Item = dict[str, Any]


class Loader(DataLoader[Any]):
    """Batches of the items with the given numbers, in their order.

    A ValueError of an item reaches the caller as it is, also from a worker (torch would wrap it into a traceback). No
    draw is taken from the global generator.

    Args:
        dataset: of items whose ``clean`` is a tensor.
        numbers: of the items.
        batch_size: items a batch; the last one may hold fewer.
        num_workers: processes that read; 0 reads in this one.
    """

    def __init__(self, dataset: Dataset[Item], numbers: Sequence[int], batch_size: int, num_workers: int) -> None:
        super().__init__(
            _ErrorsAsItems(dataset),
            sampler=numbers,
            batch_size=batch_size,
            num_workers=num_workers,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # seeds the workers, which draw nothing from it
        )

    def __iter__(self) -> Any:
        for batch in super().__iter__():
            if isinstance(batch, ValueError):
                raise batch
            yield batch


class _ErrorsAsItems(Dataset[Item | ValueError]):
    def __init__(self, dataset: Dataset[Item]) -> None:
        self.dataset = dataset

    def __getitem__(self, number: int) -> Item | ValueError:
        try:
            return self.dataset[number]
        except ValueError as error:
            return error


def _collate(items: list[Item | ValueError]) -> Any:
    whole: list[Item] = []
    for item in items:
        if isinstance(item, ValueError):
            return item
        whole.append(item)
    shapes = [item["clean"].shape for item in whole]
    odd = next((index for index, shape in enumerate(shapes) if shape != shapes[0]), None)
    if odd is None:
        return default_collate(whole)
    first, other = (f"{whole[index]['name']} has {shapes[index][1]}x{shapes[index][2]} pixels" for index in (0, odd))
    return ValueError(
        f"validation_batch is {len(items)}; {first} and {other}; "
        "images of different size need validation_batch=1, or an evaluation_crop"
    )
