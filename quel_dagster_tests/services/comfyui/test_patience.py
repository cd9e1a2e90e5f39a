"""How long one prompt is waited for, as far as no server is needed to tell."""

import math

import pytest

from quel_dagster.model.errors import RenderStopped
from quel_dagster.services.comfyui.patience import Patience, State


def test_a_wish_that_crossed_the_request_is_heard_at_once() -> None:
    patience = Patience("http://127.0.0.1:8188", 10, math.inf, lambda: True)
    with pytest.raises(RenderStopped):
        patience.check(State.WAITING, 0)


def test_a_prompt_that_is_wanted_is_asked_about_no_more_than_every_second() -> None:
    asked = list[None]()

    def should_stop() -> bool:
        asked.append(None)
        return False

    patience = Patience("http://127.0.0.1:8188", 10, math.inf, should_stop)
    for _ in range(3):
        patience.check(State.WAITING, 0)
    assert len(asked) == 1
