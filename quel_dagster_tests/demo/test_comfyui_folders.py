"""Where the stand-in keeps its files."""

import os
from pathlib import Path

from quel_dagster.demo.comfyui.folders import Folders, Upload

LONG_AGO = 1


def test_an_upload_that_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    """A render may be reading it, and would see half of it."""
    folders = Folders(tmp_path)
    upload = Upload(data=b"a picture", name="a.png")
    file = folders.path("input", folders.store(upload))
    os.utime(file, ns=(LONG_AGO, LONG_AGO))

    assert folders.store(upload) == "a.png"
    assert file.stat().st_mtime_ns == LONG_AGO
