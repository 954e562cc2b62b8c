"""From tensors to named scalars: a paper on one screen each. Arguments out of range are refused by ``ValueError``."""
