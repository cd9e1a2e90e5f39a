"""What a worker serves, by the command's words."""

from pathlib import Path

import click
import pytest
import yaml

from quel_dagster.cli.worker import chosen, room
from quel_dagster.demo.dagster import Launcher, write_home
from quel_dagster.environment import Environment, next_redis_database
from quel_dagster.launch.broker import GENERAL
from quel_dagster.model.errors import ConfigurationError

PATHS = {"fashion", "beauty", "eats", "cinema", "cartoon", "modify"}


def test_a_worker_serves_every_path_and_the_general_runs_unless_told_otherwise() -> None:
    assert set(chosen(None)) == {*PATHS, GENERAL}
    assert chosen("beauty, fashion,beauty") == ["beauty", "fashion"]


def test_a_path_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(click.BadParameter, match="no path 'beuty'; use beauty, cartoon"):
        chosen("fashion,beuty")


def test_there_is_a_process_for_every_run_that_may_be_under_way(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    modules = "{fashion: {max_workers: 7}, beauty: {max_workers: 2}}"
    config.write_text(f"worker: {{modules: {modules}}}\ncredits: {{price_per_image: 20}}\n")
    place = Environment({"QUEL_CONFIG": str(config)})
    assert room(place, ["fashion", "beauty", GENERAL]) == 7 + 2 + 1


def test_the_broker_is_the_doorbells_redis_one_database_on_unless_another_is_named() -> None:
    for doorbell, broker in {
        "redis://host:6379/0": "redis://host:6379/1",
        "redis://host:6379": "redis://host:6379/1",
        "rediss://user:word@host:6380/3?health_check_interval=5": (
            "rediss://user:word@host:6380/4?health_check_interval=5"
        ),
    }.items():
        assert next_redis_database(doorbell) == broker
    named = {"QUEL_REDIS_URL": "redis://host:6379/0", "QUEL_BROKER_URL": "amqp://broker//"}
    assert Environment(named).broker_url == "amqp://broker//"
    with pytest.raises(ConfigurationError, match="QUEL_BROKER_URL is not set"):
        next_redis_database("unix:///run/redis.sock")


def test_the_stock_launcher_is_one_setting_away(tmp_path: Path) -> None:
    written = {
        launcher: yaml.safe_load(
            (write_home(tmp_path / launcher, 0, launcher).parent / "dagster.yaml").read_text()
        )
        for launcher in Launcher
    }
    warm = written[Launcher.WARM].pop("run_launcher")
    assert warm == {"module": "quel_dagster.launch.launcher", "class": "WarmRunLauncher"}
    assert written[Launcher.WARM] == written[Launcher.STOCK]
