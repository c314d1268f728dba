"""Decides what to buy."""
