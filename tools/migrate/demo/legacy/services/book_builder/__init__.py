"""Keeps the last trade of every instrument."""
