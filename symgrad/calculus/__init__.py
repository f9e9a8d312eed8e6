"""From a system of equations to its derivatives, step by step."""
