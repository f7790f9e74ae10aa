"""Recurrent layers: reference cases for make_golden.py."""


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
