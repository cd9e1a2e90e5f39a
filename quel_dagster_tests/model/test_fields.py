"""JSON from anywhere as values, and values as an error shows them."""

import json

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import Fields, Unreadable, as_fields, read_json, shown, whole_number


@pytest.mark.parametrize(
    "value", [None, True, 0, -7, 10**4000, 1.5, "지\n", [], {}, {"a": [1, {"b": None}]}]
)
def test_json_is_read_as_the_values_it_stands_for(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_with_more_digits_than_python_reads_is_infinity(sign: str) -> None:
    assert read_json(f'{{"a": {sign}{"9" * 5000}}}') == {"a": float(f"{sign}inf")}


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_json_that_is_nested_too_deeply_is_refused_where_it_is_used(start: str, end: str) -> None:
    found = read_json(start * 100_000 + "1" + end * 100_000)
    assert isinstance(found, Unreadable)
    with pytest.raises(InvalidJob) as refused:
        as_fields("job_input_data", found)
    expected = "job_input_data: expected a JSON object, got one that is nested too deeply"
    assert str(refused.value) == expected


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        read_json("")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (-3, "-3"),
        (2.5, "2.5"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (10**39, "1" + "0" * 39),
        (10**40, "a number of more than 40 digits"),
        ("three", '"three"'),
        ('a"b\n\0', '"a\\"b\\n\\u0000"'),
        ("지\ud800", '"지\\ud800"'),
        ("x" * 1000, f'"{"x" * 40}"'),
        ([1], "a list"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_value_is_shown_short_and_printable(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_number_that_python_itself_will_not_print_is_shown() -> None:
    assert shown(-(10**5000)) == "a number of more than 40 digits"


@pytest.mark.parametrize("value", [0, -3, "-3", " 7 ", 8.0])
def test_a_whole_number_may_have_any_sign_where_that_is_meant(value: object) -> None:
    assert whole_number("a", value, least=None) == int(float(str(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\0b", "prompt: character 2 is U+0000, which is no text"),
        ("\udc80", "prompt: character 1 is U+DC80, which is no text"),
        ("지지\ud83d", "prompt: character 3 is U+D83D, which is no text"),
    ],
)
def test_a_text_that_could_not_be_stored_is_refused(value: str, expected: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        Fields("", {"prompt": value}).text("prompt")
    assert str(refused.value) == expected


def test_a_text_may_be_long_but_words_for_a_prompt_may_not() -> None:
    fields = Fields("stages[1]", {"prompt": " " + "a" * 8001})
    assert len(fields.text("prompt")) == 8001
    with pytest.raises(InvalidJob, match=r"^stages\[1\]\.prompt: longer than 8000 characters$"):
        fields.words("prompt")
