"""Numbers for equations, and what has to agree."""
