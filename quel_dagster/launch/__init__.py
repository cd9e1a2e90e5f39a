"""How runs are executed: sent as Celery tasks to warm workers, one queue per production path.

Celery only carries them. Which job a run may touch is decided by its ticket, in the store.
"""
