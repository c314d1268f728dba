"""Relays: one message in, the same bytes out to everybody."""
