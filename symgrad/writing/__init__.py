"""Expressions in index notation as people write them."""
