"""Orders as any client might write them: the front end's grammar, with mistakes strewn in."""

from collections.abc import Mapping

from hypothesis import strategies as st

from quel_dagster.model.sizes import SIZES
from quel_dagster_tests.model.rows import MEMBER

Json = st.SearchStrategy[object]

NUMBERS = (0, 1, 2, 3, -1, 61, 2**63, 10**400, -(10**4000), 0.5, 2.0, 1e308)
NO_NUMBERS = (float("inf"), float("-inf"), float("nan"))
TEXTS = ("", " ", "1", " +3", "-1", "9" * 5000, "front", "a\0b", "\ud83d", "지\n", "x" * 300)
ODD = (None, True, False, *NUMBERS, *NO_NUMBERS, *TEXTS, [], {}, [1], {"attachId": "x"})
KEYS = st.sampled_from(("attachId", "type", "quantity", "stage_index", "no such key", "\udcff", ""))
WILD: Json = st.recursive(
    st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def mostly(*right: object) -> Json:
    """One of the right values; one time in ten or so any other."""
    return st.sampled_from((*right * (9 * len(ODD) // len(right)), *ODD))


def mostly_of(right: Json) -> Json:
    """A right value; one time in ten or so anything else."""
    return st.integers(0, 9).flatmap(lambda chance: right if chance else WILD)


def some(fields: Mapping[str, Json], *always: str) -> Json:
    """An object with any of these fields, and now and then one that nobody knows."""
    required = {name: fields[name] for name in always}
    others = {name: values for name, values in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional={**others, "Prompt": WILD})


def lists_of(member: Json) -> Json:
    return mostly_of(st.none() | st.lists(mostly_of(member), max_size=4))


WORDS = mostly("linen suit", " night market ", "지하의 카페", "front", "full", None, "", "\ud83d")
COUNTS = mostly(1, 2, "2", 3, None, 1.0)
IDS = mostly(51201, "51202", 7.0)
RATIOS = mostly(*SIZES, " 1:1 ", None)
FLAGS = mostly(True, False, None)
REFERENCES = lists_of(IDS | some({"attachId": IDS, "type": mostly("model", "bag", None)}))
SHARED = {
    "aspect-ratio": RATIOS,
    "aspectRatio": RATIOS,
    "userId": mostly(str(MEMBER), "nobody", None),
    "category": mostly("fashion", "eats", None),
    "globalContext": WILD,
    "negative_prompt": WORDS,
    "seed": mostly(0, 7, "8", None),
    "basePrompt": WORDS,
}
COMBINATION = some({"angle": WORDS, "shot": WORDS, "fx": WORDS, "quantity": COUNTS})
STAGE = some(
    {
        "stage_index": mostly(0, 1, 2, "3", -4, None, 2**70),
        "prompt": WORDS,
        "quantity": COUNTS,
        "aspect-ratio": RATIOS,
        "aspectRatio": RATIOS,
        "individualImageAttachIds": REFERENCES,
        "mergedImageAttachId": IDS | st.none(),
        "cameraAngle": WORDS,
        "shotType": WORDS,
        "isPreEdited": FLAGS,
        "negative_prompt": WORDS,
    }
)
PORTRAIT = some({"mergedAttachId": IDS, "wrappingPrompt": WORDS, "photoIndex": COUNTS})
LAYER = some({"color": WORDS, "prompt": WORDS, "referenceImage": mostly(None, "aGVsbG8=")})
SHAPES: Mapping[str, Json] = {
    "single_batch": some(
        {
            **SHARED,
            "prompt": WORDS,
            "combinations": lists_of(COMBINATION),
            "individualImageAttachIds": REFERENCES,
            "mergedImageAttachId": IDS | st.none(),
            "shotType": WORDS,
            "angle": WORDS,
            "cameraAngle": WORDS,
            "quantity": COUNTS,
            "isPreEdited": FLAGS,
        }
    ),
    "pipeline_stage": some({**SHARED, "stages": lists_of(STAGE), "isPreEdited": FLAGS}),
    "simple_general": some({**SHARED, "prompt": WORDS, "uploadedAttachIds": REFERENCES}),
    "simple_portrait": some({**SHARED, "mergedImages": lists_of(PORTRAIT)}),
    "modify": some(
        {
            **SHARED,
            "prompt": WORDS,
            "originalImageUrl": mostly("https://elsewhere.example/a.webp", None),
            "originalAttachId": IDS,
            "maskDataUrl": mostly("data:image/png;base64,aGVsbG8=", "aGVsbG8"),
            "layers": lists_of(LAYER),
            "referenceImageDataUrl": mostly(None, "aGVsbG8="),
            "quantity": COUNTS,
        },
        "maskDataUrl",
        "originalAttachId",
        "prompt",
    ),
}
