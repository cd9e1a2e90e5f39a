"""`quel workflows check`: every problem of every file, for a person and for a script."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from quel_dagster import categories
from quel_dagster.cli.main import quel
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.parts import reserved_port
from quel_dagster.environment import here
from quel_dagster.model.errors import BackendAway
from quel_dagster_tests.pipeline.graphs import small_graph

CONFIG = """
worker: {modules: {eats: {workflow: OWN}}}
comfyui:
  models: {unet: UNET, clip: qwen_2.5_vl_7b_fp8_scaled.safetensors, vae: qwen_image_vae.safetensors}
credits: {price_per_image: 20}
"""
UNET = "qwen_image_edit_2509_fp8_e4m3fn.safetensors"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A sound graph that the configuration names for eats; nothing else is in the environment."""
    path = tmp_path / "own.json"
    path.write_text(json.dumps(small_graph()), encoding="utf-8")
    configure(tmp_path, UNET)
    monkeypatch.setenv("QUEL_CONFIG", str(tmp_path / "config.yaml"))
    here.cache_clear()
    yield path
    here.cache_clear()


def configure(folder: Path, unet: str) -> None:
    text = CONFIG.replace("OWN", str(folder / "own.json")).replace("UNET", unet)
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def check(*arguments: str) -> Result:
    return CliRunner().invoke(quel, ["workflows", "check", *arguments])


@pytest.mark.usefixtures("own")
def test_the_shipped_graphs_and_the_configured_ones_are_sound() -> None:
    done = check()
    paths = [category.path for category in categories.load()]
    assert done.exit_code == 0
    assert all(f"{path}  " in done.stdout for path in paths)
    assert "fashion/workflow.json\n  13 nodes, takes 0 to 3 reference pictures\n" in done.stdout
    assert f"{len(paths) + 1} graphs checked: no problems\n" in done.stdout


def test_everything_that_is_wrong_is_told_and_fails_the_command(own: Path) -> None:
    nodes = small_graph()
    del cast("dict[str, object]", nodes["9"]["inputs"])["height"]
    nodes["6"]["_meta"] = {"title": "Positive"}
    own.write_text(json.dumps(nodes), encoding="utf-8")
    done = check("eats")
    assert done.exit_code == 1
    assert f"eats  {own}\n" in done.stdout
    assert "node 6 (CLIPTextEncode 'Positive') is not found by its title" in done.stdout
    assert "no node is titled 'positive'" in done.stdout
    assert "node 9 (EmptyLatentImage 'size') has no unlinked input height" in done.stdout
    assert "2 graphs checked: 3 problems\n" in done.stdout


@pytest.mark.usefixtures("own")
def test_a_file_that_is_not_in_use_yet_is_checked_by_its_name(tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_text(json.dumps({"nodes": []}), encoding="utf-8")
    done = check(str(new))
    assert done.exit_code == 1
    assert f"not in use  {new}\n  wrong: is in the editor's own format; " in done.stdout
    assert "1 graph checked: 1 problem\n" in done.stdout


def test_a_script_reads_one_object(own: Path) -> None:
    done = check("--json", str(own))
    assert json.loads(done.stdout) == {
        "problems": 0,
        "workflows": [
            {
                "file": str(own),
                "paths": ["eats"],
                "nodes": 13,
                "references": [0, 1, 2],
                "mask": False,
                "problems": [],
            }
        ],
    }


@pytest.mark.usefixtures("own")
def test_a_server_is_asked_for_classes_inputs_and_models(comfyui: ComfyUIProcess) -> None:
    done = check("fashion", "cartoon", "--server", comfyui.url)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"2 graphs checked for {comfyui.url}: no problems" in done.stdout


def test_a_model_that_the_configuration_names_and_the_server_lacks_is_told(
    own: Path, comfyui: ComfyUIProcess
) -> None:
    configure(own.parent, "qwen_image_edit_2511_fp8.safetensors")
    done = check("fashion", "--server", comfyui.url)
    assert done.exit_code == 1
    assert (
        "node 1 (UNETLoader 'unet') asks for unet_name 'qwen_image_edit_2511_fp8.safetensors', "
        f"which the server does not have; it has {UNET} ({comfyui.url})" in done.stdout
    )


@pytest.mark.usefixtures("own")
def test_a_server_that_does_not_answer_is_named() -> None:
    with reserved_port() as port:
        done = check("--server", f"http://127.0.0.1:{port}")
    assert isinstance(done.exception, BackendAway)
    assert f"ComfyUI at http://127.0.0.1:{port} does not answer" in str(done.exception)
