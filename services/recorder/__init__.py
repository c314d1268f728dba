"""recorder: what passes by, as Parquet files that DuckDB and Polars query.

Owns nothing itself; see `services.recorder.app`.  Must not import relays or other services.
"""
