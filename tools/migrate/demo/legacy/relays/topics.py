"""Names on the wire.  None of them is a Python module, however much it looks like one."""

TOPICS = {
    "market": "protocol_v2.market_data",
    "signal": "protocol_v2.signals",
}
TABLE = "alphapulse_types"
LINE_PREFIX = "[protocol_v2] "
SCHEMA_URL = "https://schemas.example.org/protocol_v2/header.json"
HELLO = {"protocol_v2": {"version": 1}}
