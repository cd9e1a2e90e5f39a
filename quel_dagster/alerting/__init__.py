"""What operators are told unasked: `conditions` watches, `sensor` empties the outbox."""
