"""Backends turn a Program into code for one kind of machine."""
