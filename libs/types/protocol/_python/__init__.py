"""The codec in readable Python: the specification that the compiled one has to match, and what runs without it.

Owns nothing itself; `_codec` takes the names from the modules here.
"""
