"""Takes messages from the relays and hands them to whoever subscribed."""
