"""What a beauty order becomes in words and pictures."""

import pytest

from quel_dagster.categories.beauty.category import compose
from quel_dagster_tests.categories.orders import forbidden, order, roles, sent


def test_w37_a_product_is_sent_once_and_the_background_has_its_own_number() -> None:
    scene = compose(order("model", "product", "background"))
    assert sent(scene) == [(1,), (2,), (3,)]
    assert "with exactly 1 product, as in image 2" in scene.positive
    assert "colours and light of image 3" in scene.positive
    assert "image 4" not in scene.positive


def test_w38_a_model_alone_is_a_portrait_without_a_product() -> None:
    scene = compose(order("model"))
    assert sent(scene) == [(1,)]
    assert "beauty portrait of the model of image 1" in scene.positive
    assert "two thirds of the frame" in scene.positive
    assert "product" not in scene.positive


def test_w38_a_background_alone_is_a_place_without_products_or_people() -> None:
    scene = compose(order("background"))
    assert sent(scene) == [(1,)]
    assert "product" not in scene.positive
    assert forbidden(scene) >= {"people", "hands", "products"}


@pytest.mark.parametrize(
    ("number", "words"), [(1, "exactly 1 product,"), (3, "exactly 3 products,")]
)
def test_products_alone_are_counted_and_nobody_holds_them(number: int, words: str) -> None:
    scene = compose(order(*["product"] * number))
    assert words in scene.positive
    assert forbidden(scene) >= {"people", "hands", "extra products"}


def test_the_number_of_products_on_a_merged_sheet_is_not_made_up() -> None:
    scene = compose(order("model", "merged"))
    assert roles(scene) == ["model", "products"]
    assert "with the products, as in image 2" in scene.positive


def test_angle_and_framing_are_free_words() -> None:
    scene = compose(order("model", angle="profile", shot="extreme close-up"))
    assert "Camera: profile view, extreme close-up framing." in scene.positive
