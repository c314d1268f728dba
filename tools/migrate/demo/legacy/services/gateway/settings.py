"""What an operator may change.  Dotted names are resolved by `plugins.resolve` at start."""

# The Kafka topic, agreed with the consumers in other teams.
TOPIC = "protocol_v2.market_data"
PARTITIONS = 12

CODEC = "protocol_v2.tlv.parser:parse_message"
HANDLERS = {
    "trade": "alphapulse_types.events.TradeEvent",
    "reject": "protocol_v2.errors.ProtocolError",
}
FORMATTER = {"class": "protocol_v2.logs.JsonFormatter", "level": "INFO"}
