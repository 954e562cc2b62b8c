"""What can be chosen: YAML only, a group per role."""
