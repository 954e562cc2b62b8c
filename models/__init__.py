"""From tensors to tensors: generators and critics. Arguments out of range are refused by ``ValueError``."""
