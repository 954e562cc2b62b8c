from __future__ import annotations
from typing import Any
import torch
from torch import Tensor
from torch.nn import functional as F

class PatchEnergy:
    min_samples = 2
    def __init__(self, sides=(1,2,4,8), whiten: bool=False) -> None:
        self.sides = sides
    def _d(self, a, b):
        d2 = (a-b).square().sum(-3, keepdim=True).flatten(0,-4)
        tot = 0.
        for s in self.sides:
            m = F.avg_pool2d(d2, s, stride=max(1,s//2))
            tot = tot + (m+1e-10).sqrt().mean()
        return tot/len(self.sides)
    def __call__(self, S: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        K=len(S)
        e = self._d(S, clean[None].expand_as(S))
        p = sum(self._d(S[i],S[j]) for i in range(K) for j in range(i))
        return e - p/(K*(K-1))
