"""From tensors to tensors: generators and critics."""
