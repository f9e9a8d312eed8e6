"""``python -m symgrad``: the command line."""

from symgrad.cli import main

main()
