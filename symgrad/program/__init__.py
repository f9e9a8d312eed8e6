"""Equations as array operations, and passes over them."""
