"""Functions that generated files define for themselves: they go there as they stand here."""
