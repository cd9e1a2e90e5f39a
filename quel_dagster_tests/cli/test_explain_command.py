"""`quel explain`: what a person reads, what a script reads, from nothing but the row."""

import json
from typing import cast

import sqlalchemy as sa

from quel_dagster.model.job import Payer
from quel_dagster_tests.builders import make_org, place
from quel_dagster_tests.cli.explained import SUIT, as_json, explain, lines, told
from quel_dagster_tests.services.store.jobs import everything


def test_an_order_reads_well_to_a_person(shelf: sa.Engine, payer: Payer) -> None:
    org = make_org(shelf)
    both = Payer(member_id=payer.member_id, org_id=org)
    job_id = place(shelf, both, input=SUIT, total_images=3)
    found = lines(explain(job_id))
    (state,) = [line for line in found if line.startswith("  state ")]
    assert state.startswith(
        "  state         pending, 0 of 3 pictures delivered, never tried, placed "
    )
    found.remove(state)
    assert found[:9] == [
        f"job {job_id}",
        "  order         single_batch for 3 pictures",
        "  path          fashion, because the order names it",
        f"  price         3 x 20 = 60 credits, paid by organization {org}",
        '  note          individualImageAttachIds[2].attachId: "3" is a text, read as the number 3',
        "  note          combinations[1].quantity: missing; read as 1",
        "",
        "pictures 1 to 2 of 3",
        "  asked for     angle front, shot full, ratio 9:16 (combinations[0])",
    ]
    assert found[9] == "  size          768 x 1344 pixels"
    assert found[10].startswith("  seeds         ")
    assert found[11:17] == [
        "  reference 1   model: attachment 1, uploads/upload-1.webp",
        "  reference 2   clothing, made of 2 pictures:",
        "                - attachment 2 (outer), uploads/upload-2.webp",
        "                - attachment 3 (pants), without a file: upload it again",
        "  prompt",
        "    references  Image 1 shows the model. Image 2 is a sheet of 2 pictures: the clothing.",
    ]
    assert "    customer    linen suit, late summer terrace" in found
    start = found.index("picture 3 of 3")
    assert "  reference 2   clothing: attachment 2 (outer), uploads/upload-2.webp" in found[start:]
    assert found[-1] == "  graph         the same"
    assert max(map(len, found)) <= 100


def test_the_graph_is_told_by_its_file_models_and_sampler(shelf: sa.Engine, payer: Payer) -> None:
    graph = told(place(shelf, payer, path="eats", input={"prompt": "noodles"}), "graph")
    assert graph.startswith("10 of the 13 nodes of ")
    assert "categories/eats/workflow.json UNETLoader: unet_name qwen_image_edit_2509" in graph
    assert "KSampler: steps " in graph


def test_a_script_reads_one_object(shelf: sa.Engine, payer: Payer) -> None:
    job_id = place(shelf, payer, path=None, input=SUIT, total_images=3)
    found = as_json(job_id)
    assert {key: found[key] for key in ("path", "requested_path", "price", "org_id", "so_far")} == {
        "path": "fashion",
        "requested_path": "none",
        "price": 60,
        "org_id": None,
        "so_far": [],
    }
    first = cast("list[dict[str, object]]", found["pictures"])[0]
    assert (first["slot"], first["width"], first["height"], first["shot"]) == (0, 768, 1344, "full")
    assert cast("list[object]", first["references"])[0] == {
        "title": "reference 1",
        "role": "model",
        "supplied": [{"attach_id": 1, "shows": "model", "place": "uploads/upload-1.webp"}],
    }
    assert "linen suit, late summer terrace" in cast("str", first["prompt"])


def test_the_whole_graph_is_told_by_slot(shelf: sa.Engine, payer: Payer) -> None:
    done = explain(place(shelf, payer, input=SUIT, total_images=3), "--graph")
    graphs = json.loads(done.stdout)
    assert list(graphs) == ["0", "1", "2"]
    nodes = [node for node in graphs["2"].values() if node["class_type"] == "LoadImage"]
    assert [node["inputs"]["image"] for node in nodes] == ["<model>", "<clothing>"]


def test_nothing_is_written(shelf: sa.Engine, payer: Payer) -> None:
    job_id = place(shelf, payer, input=SUIT, total_images=3)
    before = everything(shelf)
    explain(job_id)
    assert everything(shelf) == before


def test_a_customers_words_cannot_steer_the_terminal(shelf: sa.Engine, payer: Payer) -> None:
    job_id = place(shelf, payer, input={"prompt": "red \x1b[31m coat"})
    assert told(job_id, "  customer") == "red \N{REPLACEMENT CHARACTER}[31m coat"
