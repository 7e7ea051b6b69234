"""The tools and forms: consistent in themselves, valid as FHIR, refused when they are not."""

from __future__ import annotations

from decimal import Decimal
from importlib import resources

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from smartapp.errors import KnowledgeError
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.knowledge.questionnaires import load_questionnaires, questionnaire

KNOWN = load_questionnaires()
TEXT = resources.files("smartapp.knowledge").joinpath("questionnaires.toml").read_text("utf-8")


def test_the_catalogue_carries_them() -> None:
    assert load_catalogue().questionnaires == KNOWN


@pytest.mark.parametrize(
    ("tool", "low", "high", "better", "meaningful"),
    [
        ("qadam", 10, 50, "high", 5),
        ("ams", 17, 85, "low", None),
        ("iief", 1, 25, "high", None),
        ("phq-9", 0, 27, "low", None),
        ("nrs", 0, 10, "high", 2),
    ],
)
def test_scales_are_those_of_the_evidence_base(
    tool: str, low: int, high: int, better: str, meaningful: int | None
) -> None:
    told = KNOWN.tools[tool]
    assert (told.low, told.high, told.better, told.meaningful) == (low, high, better, meaningful)
    assert told.source and told.mark
    assert (told.meaningful is None) == (told.meaningful_mark is None)


@pytest.mark.parametrize(
    ("tool", "total", "band"),
    [
        ("ams", 26, "none"),
        ("ams", 27, "mild"),
        ("ams", 36, "mild"),
        ("ams", 37, "moderate"),
        ("ams", 50, "severe"),
        ("phq-9", 4, "minimal"),
        ("phq-9", 5, "mild"),
        ("phq-9", 10, "moderate"),
        ("phq-9", 15, "moderately severe"),
        ("phq-9", 20, "severe"),
        ("iief", 7, "severe"),
        ("iief", 22, "none"),
        ("qadam", 30, None),
    ],
)
def test_bands_on_both_sides_of_their_lines(tool: str, total: int, band: str | None) -> None:
    assert KNOWN.tools[tool].band(Decimal(total)) == band


def test_the_phq_9_is_coded_in_loinc() -> None:
    items = KNOWN.tools["phq-9"].items
    assert len(items) == 9
    assert items["self-harm"].codes == (("http://loinc.org", "44260-8"),)
    assert KNOWN.by_code["44261-6"].key == "total"
    answers = items["down"].answers
    assert answers is not None
    assert answers.values == {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}


@pytest.mark.parametrize("form", sorted(KNOWN.forms))
def test_our_forms_are_valid_questionnaires(form: str) -> None:
    made = questionnaire(KNOWN.forms[form], KNOWN)
    read = Questionnaire.model_validate(made)
    assert read.url == KNOWN.forms[form].url
    links = [item["linkId"] for group in made["item"] for item in group["item"]]
    assert links and len(set(links)) == len(links)
    assert set(links) <= KNOWN.by_link.keys()
    for group in made["item"]:
        for item in group["item"]:
            assert item["type"] == "choice" or len(item["extension"]) == 2


def test_the_check_in_asks_for_everything_the_rules_need() -> None:
    made = questionnaire(KNOWN.forms["check-in"], KNOWN)
    links = {item["linkId"] for group in made["item"] for item in group["item"]}
    assert links == {
        "nrs.energy", "nrs.libido", "nrs.mood", "nrs.well-being",
        "signs.visual", "signs.breast", "signs.breast-mass", "signs.edema",
        "signs.thromboembolic", "signs.injection-site",
        "wishes.fertility", "wishes.endogenous",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('codes = ["own|ams"]', 'codes = ["own|qadam"]', "claimed twice"),
        ('codes = ["own|ams"]', 'codes = ["snomed|1"]', "neither"),
        ('codes = ["own|ams"]', "", "a total needs a code"),
        ('low = "17"', 'low = "99"', "not above low"),
        ('high = "27"', 'high = "28"', "add up to"),
        ('from = "27"', 'from = "15"', "outside the scale"),
        ('answers = "yes-no"', 'answers = "maybe"', "no table of answers"),
        ('tools = ["qadam"]', 'tools = ["adam"]', "is no tool"),
        ('kind = "scales"', 'kind = "guess"', "is not one of"),
        ('trap = "', 'tarp = "', "not known here"),
        ('value = "3"', 'value = 3', "written as text"),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused(old: str, new: str, reason: str) -> None:
    assert old in TEXT
    with pytest.raises(KnowledgeError) as refused:
        load_questionnaires(TEXT.replace(old, new, 1))
    assert "questionnaires.toml" in str(refused.value)
    assert reason in str(refused.value)
