"""A ratio is a size in pixels, or refused."""

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.sizes import SIZES, pixels


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("16:9", (1344, 768)),
        ("9:16", (768, 1344)),
        ("4:3", (1152, 896)),
        ("3:4", (896, 1152)),
        ("1:1", (1024, 1024)),
        ("4:5", (896, 1088)),
        (" 1:1 ", (1024, 1024)),
    ],
)
def test_a_ratio_has_a_size_in_pixels(ratio: str, size: tuple[int, int]) -> None:
    assert pixels(ratio) == size


@pytest.mark.parametrize("ratio", ["", "7:5", "16x9", "square"])
def test_an_unknown_ratio_is_refused_with_the_known_ones(ratio: str) -> None:
    with pytest.raises(InvalidJob, match="16:9, 9:16, 4:3, 3:4, 1:1, 4:5") as refusal:
        pixels(ratio)
    assert refusal.value.field == "aspect-ratio"


@pytest.mark.parametrize("ratio", SIZES)
def test_a_size_is_about_its_ratio_one_megapixel_and_fits_the_latent(ratio: str) -> None:
    width, height = SIZES[ratio]
    across, down = map(int, ratio.split(":"))
    assert width / height == pytest.approx(across / down, rel=0.05)
    assert 0.9e6 < width * height < 1.1e6
    assert width % 16 == height % 16 == 0
