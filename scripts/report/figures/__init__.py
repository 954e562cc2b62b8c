"""The figures, one file a kind, all restorers in each."""
