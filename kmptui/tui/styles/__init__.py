"""Colours, in one place."""
