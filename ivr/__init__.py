"""Siaga 112: the engine behind an emergency number."""
