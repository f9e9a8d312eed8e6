"""The sections of a derivation, as a person would write them."""
