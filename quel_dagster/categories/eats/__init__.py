"""Eats: its words stand in `category`, its ComfyUI graph in `workflow.json`."""
