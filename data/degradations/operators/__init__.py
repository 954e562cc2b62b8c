"""Linear operators, one file each: what ``degradation=linear`` measures by."""
