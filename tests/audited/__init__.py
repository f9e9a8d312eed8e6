"""Programs with a backward pass written by hand: right ones, and the faults that they may have.

Each module has a SPEC, the CODE, the OPTIONS of the audit, the FAULTS (what is replaced by what, the
kinds that name the fault, the values of which one is wrong first) and what is the SAME though it is
spelled otherwise.
"""
