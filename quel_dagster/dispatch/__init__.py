"""A second front door, which never leaves its post: `quel dispatch`, beside the sensor."""
