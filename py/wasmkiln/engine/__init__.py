"""Runs whole models: compiled segments, and between them what only the host can do."""
