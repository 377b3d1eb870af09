"""Operators, one file a family; `families` tells which file has which."""
