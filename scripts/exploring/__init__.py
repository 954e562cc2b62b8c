"""A page on which a person looks at samples of p(x | y)."""
