"""Filters of noise."""
