"""Formulas as text: a printing of them is a module here, and brings its signs."""
