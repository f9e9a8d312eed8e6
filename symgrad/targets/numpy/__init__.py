"""A program as a module of NumPy."""
