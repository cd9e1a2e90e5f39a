"""The typed door to ComfyUI servers: HTTP decides, the websocket only shortens waits."""
