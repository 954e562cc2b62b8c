from __future__ import annotations
from typing import Any
import torch
from torch import Tensor
from .fair_crps import FairCRPS

class IncrementCRPS:
    min_samples = 2
    def __init__(self, lags=(1,2,4,8), pixels=0.5, alpha=1.0, mix: bool=False) -> None:
        self.lags, self.pixels, self.crps = lags, pixels, FairCRPS(alpha)
    def __call__(self, S: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        t=0.; n=0
        for l in self.lags:
            for dy,dx in ((0,l),(l,0),(l,l),(l,-l)):
                t = t + self.crps(_inc(S,dy,dx), _inc(clean,dy,dx), None); n+=1
        return self.pixels*self.crps(S,clean,None) + (1-self.pixels)*t/n

def _inc(x, dy, dx):
    if dx < 0:
        return x[..., dy:, :dx] - x[..., :x.shape[-2]-dy, -dx:]
    return x[..., dy:, dx:] - x[..., :x.shape[-2]-dy, :x.shape[-1]-dx]
