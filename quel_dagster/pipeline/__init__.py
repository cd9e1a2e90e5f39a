"""What every category shares between opening a job and settling it."""
