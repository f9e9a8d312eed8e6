"""Index notation: equations, the functions in them, their algebra, what is assumed."""
