"""Losses over chunks of rows: on the workers of Dask, or one after the other in this process."""

from symgrad.distributed.rows import Rows, loss_and_gradients

__all__ = ["Rows", "loss_and_gradients"]
