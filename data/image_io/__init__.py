"""Picture files as people have them: in full depth, upright, with what must travel with the pixels."""
