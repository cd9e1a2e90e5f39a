"""A stand-in for a ComfyUI server: same routes, answers and events, no model weights.

It behaves as ComfyUI v0.33.0 was measured to behave, draws each picture instead of sampling it, and
has switches for everything that can go wrong. `python -m quel_dagster.demo.comfyui` runs it.
"""
