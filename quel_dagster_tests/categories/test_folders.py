"""A category is a folder: it comes and goes with it, and nothing else is edited."""

import shutil
from pathlib import Path

from quel_dagster_tests.test_house_rules import ROOT, load


def test_one_folder_out_and_another_in_needs_no_other_edit(tmp_path: Path) -> None:
    for name in ("quel_dagster", "sql", "config.yaml", "dagster.yaml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    folders = tmp_path / "quel_dagster" / "categories"
    shutil.copytree(folders / "beauty", folders / "gardens")
    module = folders / "gardens" / "category.py"
    module.write_text(module.read_text().replace('"beauty"', '"gardens"'))
    shutil.rmtree(folders / "beauty")

    before, after = (set(load(checkout).split()) for checkout in (ROOT, tmp_path))
    assert before - after == {"beauty"}
    assert after - before == {"gardens"}
