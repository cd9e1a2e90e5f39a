"""How the address of a ComfyUI server may be shown. How it is reached is known to `server`."""


def without_password(url: str) -> str:
    """An address without the user and password it may hold."""
    scheme, _, rest = url.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
