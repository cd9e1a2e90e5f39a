"""What production would have hidden behind a default: the order is made, and the log says how."""

import pytest

from quel_dagster_tests.model.rows import MEMBER, read, refusal, warnings

BATCH, STAGE, GENERAL, PORTRAIT = (
    "single_batch",
    "pipeline_stage",
    "simple_general",
    "simple_portrait",
)
DEFAULT_WORDS = 'no words; "best quality, masterpiece" is rendered'


@pytest.mark.parametrize(
    ("job_type", "order_input", "said"),
    [
        (BATCH, {"basePrompt": "a"}, "quantity: missing; read as 4"),
        (BATCH, {"combinations": [{}]}, "combinations[0].quantity: missing; read as 4"),
        (BATCH, {"combinations": [{}, {}]}, "combinations[1].quantity: missing; read as 1"),
        (STAGE, {"stages": [{}, {}]}, "stages[0].quantity: missing; read as 1"),
        (BATCH, {}, f"basePrompt: {DEFAULT_WORDS}"),
        (BATCH, {"basePrompt": " "}, f"basePrompt: {DEFAULT_WORDS}"),
        (STAGE, {"stages": [{}]}, f"stages[0].prompt: {DEFAULT_WORDS}"),
        (GENERAL, {}, f"prompt: {DEFAULT_WORDS}"),
        (PORTRAIT, {}, f"wrappingPrompt: {DEFAULT_WORDS}"),
        (
            PORTRAIT,
            {"mergedImages": [{}]},
            "mergedImages[0].mergedAttachId: missing; made from words alone",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_it_is_read_as(
    job_type: str, order_input: object, said: str
) -> None:
    assert said in read(order_input, 4, job_type).warnings


@pytest.mark.parametrize(
    ("job_type", "order_input", "said"),
    [
        (BATCH, {"quantity": "2"}, 'quantity: "2" is a text, read as the number 2'),
        (
            STAGE,
            {"stages": [{"stage_index": "1", "quantity": 2}]},
            'stages[0].stage_index: "1" is a text, read as the number 1',
        ),
        (
            GENERAL,
            {"uploadedAttachIds": [{"attachId": "5"}]},
            'uploadedAttachIds[0].attachId: "5" is a text, read as the number 5',
        ),
        (
            BATCH,
            {"aspect-ratio": "1:1", "aspectRatio": "16:9"},
            'aspectRatio: "16:9", but aspect-ratio "1:1" counts',
        ),
        (
            STAGE,
            {"stages": [{"aspect-ratio": "1:1", "aspectRatio": "4:5"}]},
            'stages[0].aspectRatio: "4:5", but aspect-ratio "1:1" counts',
        ),
        (
            BATCH,
            {"userId": "me"},
            f'userId: "me" is not the row\'s quel_member_id {MEMBER}; the row pays',
        ),
        (BATCH, {"category": "eats"}, 'category: "eats", but the job runs on path fashion'),
        (BATCH, {"quantity": 1}, "total_images: announces 2 pictures, but 1 are ordered"),
        (PORTRAIT, {}, "total_images: announces 2 pictures, but 1 are ordered"),
    ],
)
def test_what_is_doubtful_is_named_with_what_counts(
    job_type: str, order_input: object, said: str
) -> None:
    assert warnings(order_input, 2, job_type) == [said]


@pytest.mark.parametrize(
    ("job_type", "order_input", "place"),
    [
        (BATCH, {"baseprompt": "a suit"}, "baseprompt"),
        (BATCH, {"combinations": [{"quantity": 1}, {"Shot": "full"}]}, "combinations[1].Shot"),
        (BATCH, {"combinations": [{"quantity": 1}], "quantity": 2}, "quantity"),
        (
            BATCH,
            {"individualImageAttachIds": [{"attachId": 1, "kind": "bag"}]},
            "individualImageAttachIds[0].kind",
        ),
        (BATCH, {"uploadedAttachIds": [1]}, "uploadedAttachIds"),
        (STAGE, {"stages": [{}], "individualImageAttachIds": [1]}, "individualImageAttachIds"),
        (STAGE, {"stages": [{}], "mergedImageAttachId": 1}, "mergedImageAttachId"),
        (STAGE, {"stages": [{"fx": "aura"}]}, "stages[0].fx"),
        (GENERAL, {"quantity": 3}, "quantity"),
        (GENERAL, {"one more\n": 0}, '"one more\\n"'),
        (GENERAL, {"\udcff": 0}, '"\\udcff"'),
        (GENERAL, {"k" * 1000: 0}, f'"{"k" * 40}"'),
        (PORTRAIT, {"mergedImages": [{"attachId": 4}]}, "mergedImages[0].attachId"),
    ],
)
def test_a_key_that_says_something_and_has_no_effect_is_named(
    job_type: str, order_input: object, place: str
) -> None:
    assert warnings(order_input, 1 if job_type != BATCH else 2, job_type)[-1] == (
        f"{place}: not used here"
    )


@pytest.mark.parametrize(
    ("job_type", "order_input"),
    [
        (
            BATCH,
            {"category": "Fashion ", "globalContext": {"a": 1}, "totalImages": 9, "userId": None},
        ),
        (BATCH, {"mergedImageAttachId": None, "extra": None, "more": "", "most": [], "all": {}}),
        (BATCH, {"individualImageAttachIds": [1], "mergedImageAttachId": 2}),
        (BATCH, {"basePrompt": "a", "prompt": "b", "angle": "c", "cameraAngle": "d"}),
        (BATCH, {"aspect-ratio": "1:1", "aspectRatio": " 1:1 "}),
        (
            STAGE,
            {
                "basePrompt": "a",
                "aspect-ratio": "1:1",
                "isPreEdited": True,
                "stages": [
                    {
                        "prompt": "b",
                        "aspect-ratio": "4:5",
                        "isPreEdited": False,
                        "stageName": "c",
                        "globalContext": "d",
                    }
                ],
            },
        ),
        (PORTRAIT, {"mergedImages": [{"mergedAttachId": 4, "photoIndex": 7}]}),
    ],
)
def test_what_the_front_end_always_sends_is_no_reason_for_a_warning(
    job_type: str, order_input: object
) -> None:
    assert warnings(order_input, 1, job_type) == []


def test_a_doubtful_field_is_named_once_however_many_pictures_it_concerns() -> None:
    said = read({"basePrompt": "a", "quantity": "40"}, 40).warnings
    assert said == ('quantity: "40" is a text, read as the number 40',)


def test_an_order_full_of_mistakes_does_not_flood_the_log() -> None:
    said = read({f"key{number}": number for number in range(100_000)}, 1).warnings
    assert len(said) == 21
    assert said[-1] == "job_input_data: more remarks are left out"
    assert max(map(len, said)) < 100


@pytest.mark.parametrize("quantity", [0, -1, "0"])
def test_a_quantity_of_nothing_is_no_default_but_refused(quantity: object) -> None:
    for job_type, key in [(BATCH, "combinations"), (STAGE, "stages")]:
        expected = f"{key}[0].quantity: expected a whole number of 1 or more, got "
        assert refusal({key: [{"quantity": quantity}]}, 1, job_type).startswith(expected)
