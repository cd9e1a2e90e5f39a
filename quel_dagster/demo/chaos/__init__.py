"""`quel chaos`: breaks what can break under real jobs, and counts what became of them."""
