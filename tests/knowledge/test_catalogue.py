"""The catalogue: what it recognises, and that it refuses to contradict itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smartapp.errors import KnowledgeError
from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import (
    load_catalogue,
    read_analytes,
    read_conditions,
    read_drugs,
)
from smartapp.knowledge.catalogue_table import read_table
from smartapp.knowledge.spelling import level_unit

ANALYTE = """
[analyte.x]
name = "X"
short = "X"
unit = "ng/dL"
ucum = "ng/dL"
si_unit = "nmol/L"
plan = "hormones"
loinc = [{ code = "2986-8", kind = "mass", display = "x" }]
units = [
  { ucum = "ng/dL", factor = "1", kind = "mass" },
  { ucum = "nmol/L", factor = "28.842", kind = "molar" },
]
hard = ["1", "100"]
soft = ["2", "90"]
source = "here"
mark = "V"
"""
DRUG = """
[drug.y]
name = "y"
class = "y"
role = "other"
hpg_active = false
rxnorm = ["1"]
text = 'why'
regulatory = ""
source = "here"
mark = "V"
"""
CONCEPT = """
[concept.z]
name = "z"
icd10 = ["A1"]
source = "here"
mark = "V"
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_every_key_that_other_rooms_ask_for_is_there(catalogue: Catalogue) -> None:
    assert set(catalogue.analytes) >= {
        "testosterone", "free-testosterone", "bioavailable-testosterone", "lh", "fsh", "estradiol",
        "shbg", "albumin", "prolactin", "hematocrit", "hemoglobin", "psa", "tsh", "alt", "ast",
        "bilirubin", "alp", "ferritin", "transferrin-saturation", "triglycerides", "hba1c", "bmi",
        "weight", "testis-volume", "sperm-concentration", "hcg", "testosterone-hcg-pre",
        "testosterone-hcg-72h", "testosterone-hcg-96h", "systolic", "diastolic",
    }  # fmt: skip
    assert set(catalogue.drugs) >= {
        "clomiphene", "enclomiphene", "hcg", "fsh", "anastrozole", "letrozole", "exemestane",
        "tamoxifen", "toremifene", "raloxifene", "testosterone-topical", "testosterone-short",
        "testosterone-long", "testosterone", "anabolic-steroid", "gnrh-analogue",
        "gnrh-antagonist", "opioid", "glucocorticoid", "enzyme-inducer", "levothyroxine",
        "antithyroid", "anticoagulant", "warfarin", "5ari", "sglt2", "dopamine-agonist", "estrogen",
        "antiandrogen",
    }  # fmt: skip


def test_the_three_hormones_an_answer_requires(catalogue: Catalogue) -> None:
    assert {k for k, a in catalogue.analytes.items() if a.required} == {"testosterone", "lh", "fsh"}


def test_washout_days_are_those_of_the_rules(catalogue: Catalogue) -> None:
    assert {key: catalogue.drugs[key].washout_days for key in (
        "clomiphene", "enclomiphene", "tamoxifen", "anastrozole", "letrozole", "exemestane", "hcg",
        "fsh", "testosterone-topical", "testosterone-short", "testosterone-long",
        "anabolic-steroid",
    )} == {
        "clomiphene": 84, "enclomiphene": 14, "tamoxifen": 84, "anastrozole": 28, "letrozole": 28,
        "exemestane": 28, "hcg": 42, "fsh": 42, "testosterone-topical": 28,
        "testosterone-short": 84, "testosterone-long": 182, "anabolic-steroid": 182,
    }  # fmt: skip


def test_a_testosterone_of_unknown_form_waits_as_long_as_any_form(catalogue: Catalogue) -> None:
    forms = [d for d in catalogue.drugs.values() if d.drug_class == "testosterone"]
    assert catalogue.drugs["testosterone"].washout_days == max(d.washout_days or 0 for d in forms)


def test_drugs_that_share_an_allergy(catalogue: Catalogue) -> None:
    groups: dict[str | None, set[str]] = {}
    for key, drug in catalogue.drugs.items():
        groups.setdefault(drug.allergy_group, set()).add(key)
    assert groups["clomiphene"] == {"clomiphene", "enclomiphene"}
    assert groups["aromatase-inhibitor"] == {"anastrozole", "letrozole"}
    assert groups["tamoxifen"] == {"tamoxifen", "toremifene"}
    assert groups["hcg"] == {"hcg", "hcg-alfa"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("clomiPHENE citrate 50 mg tablet", "clomiphene"),
        ("Clomifen 50", "clomiphene"),
        ("Enclomiphene 12.5 mg capsule (compounded)", "enclomiphene"),
        ("chorionic gonadotropin, human 10,000 unit vial", "hcg"),
        ("hCG 1500 IU sc", "hcg"),
        ("choriogonadotropin alfa", "hcg-alfa"),
        ("Ovidrel 250 mcg/0.5 mL", "hcg-alfa"),
        ("Pregnyl 10,000 units", "hcg"),
        ("testosterone cypionate 200 mg/mL", "testosterone-short"),
        ("Testosterone enanthate", "testosterone-short"),
        ("Testosterone 1.62 % gel", "testosterone-topical"),
        ("AndroGel pump", "testosterone-topical"),
        ("testosterone undecanoate 237 mg oral capsule", "testosterone-topical"),
        ("testosterone undecanoate 750 mg/3 mL intramuscular injection", "testosterone-long"),
        ("testosterone 75 mg pellet", "testosterone-long"),
        ("testosterone undecanoate", "testosterone"),
        ("Testosterone", "testosterone"),
        ("letrozole 2.5 mg", "letrozole"),
        ("prednisone 5 mg", "glucocorticoid"),
        ("hydrocortisone 1 % cream", None),
        ("hydrocortisone 10 mg tablet", "glucocorticoid"),
        ("naloxone", None),
        ("apomorphine", None),
        ("oxcarbazepine 300 mg", None),
        ("lisinopril 10 mg", None),
    ],
)
def test_drugs_by_their_words(catalogue: Catalogue, text: str, key: str | None) -> None:
    """The longest match is meant, so that a form outranks the bare substance."""
    found = [
        (match.end() - match.start(), name)
        for name, drug in catalogue.drugs.items()
        if drug.pattern and (match := drug.pattern.search(text))
    ]
    assert (max(found)[1] if found else None) == key


@pytest.mark.parametrize(
    ("rxnorm", "key"),
    [
        ("2596", "clomiphene"),
        ("1093060", "clomiphene"),
        ("896854", "hcg"),
        ("835829", "testosterone-short"),
        ("2121766", "testosterone-topical"),
        ("10379", "testosterone"),
        ("11289", "warfarin"),
    ],
)
def test_drugs_by_rxnorm(catalogue: Catalogue, rxnorm: str, key: str) -> None:
    assert catalogue.by_rxnorm[rxnorm] == key


def test_codes_that_public_software_mislabels_are_never_ours(catalogue: Catalogue) -> None:
    for code in ("2132-9", "1854-9", "26454-9", "38476-0", "15432-8", "2578-3"):
        assert code in catalogue.not_ours
        assert code not in catalogue.by_loinc
    assert catalogue.by_loinc["2990-0"] == "bioavailable-testosterone"
    assert "203063" not in catalogue.by_rxnorm
    assert "48130008" not in catalogue.conditions["hypothyroidism"].snomed


@pytest.mark.parametrize(
    ("concept", "inside", "outside"),
    [
        ("liver-severe", "K74.60", "K75.81"),
        ("liver-minor", "K75.81", "K74.60"),
        ("vte", "I82.401", "I82.501"),
        ("vte-history", "Z86.718", "I82.401"),
        ("intracranial-lesion", "D35.2", "E23.6"),
        ("visual-disturbance", "H53.19", "H53.5"),
        ("obesity", "E66.01", "E66.3"),
        ("klinefelter", "Q98.4", "Q98.7"),
    ],
)
def test_icd10_prefixes_with_exceptions(
    catalogue: Catalogue, concept: str, inside: str, outside: str
) -> None:
    entry = catalogue.conditions[concept]

    def matches(code: str) -> bool:
        return code.startswith(entry.icd10) and not code.startswith(entry.icd10_except or ("?",))

    assert matches(inside)
    assert not matches(outside)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Blurred vision, left eye", "visual-disturbance"),
        ("Klinefelter's syndrome", "klinefelter"),
        ("Status post bilateral orchiectomy", "testes-absent-both"),
        ("Anorchia", "testes-absent-both"),
        ("Pituitary macroadenoma", "intracranial-lesion"),
        ("MRI of the pituitary with contrast", "pituitary-mri"),
        ("Acute DVT of right leg", "vte"),
        ("Factor V Leiden mutation", "thrombophilia"),
        ("Decreased libido", "low-libido"),
        ("Gynaecomastia", "gynecomastia"),
        ("Desires to father children", "fertility-wish"),
    ],
)
def test_conditions_by_their_words(catalogue: Catalogue, text: str, concept: str) -> None:
    pattern = catalogue.conditions[concept].pattern
    assert pattern is not None
    assert pattern.search(text)


def test_a_brain_mri_is_not_a_pituitary_mri(catalogue: Catalogue) -> None:
    entry = catalogue.conditions["pituitary-mri"]
    assert entry.pattern is not None
    assert not entry.pattern.search("MRI of the brain without contrast")
    assert not entry.procedure_codes


def test_every_entry_says_where_it_comes_from_and_how_sure_it_is(catalogue: Catalogue) -> None:
    for entry in (
        *catalogue.analytes.values(),
        *catalogue.drugs.values(),
        *catalogue.conditions.values(),
    ):
        assert entry.source
        assert entry.mark in ("V", "unverified", "DEFAULT", "EXTRAP")


def test_a_mark_holds_for_every_code_that_is_not_named_as_unverified(catalogue: Catalogue) -> None:
    short, topical = (catalogue.drugs[f"testosterone-{form}"] for form in ("short", "topical"))
    assert "835840" not in short.unverified
    assert "2099681" in short.unverified
    assert topical.mark == "V"
    assert topical.rxnorm - topical.unverified
    assert all(not catalogue.drugs[key].unverified for key in ("clomiphene", "hcg", "anastrozole"))
    assert catalogue.conditions["visual-disturbance"].unverified == {"23388006"}


@pytest.mark.parametrize(
    ("text", "old", "new", "says"),
    [
        (DRUG, 'mark = "V"', 'mark = "V"\nunverified = ["1"]', "drug.y.mark: is V"),
        (DRUG, 'mark = "V"', 'mark = "V"\nunverified = ["2"]', "drug.y.unverified: 2 is no code"),
        (DRUG, 'mark = "V"\n', "", "drug.y.mark: is missing"),
        (DRUG, 'mark = "V"', 'mark = "sure"', "drug.y.mark: 'sure' is not one of"),
        (CONCEPT, 'mark = "V"', 'mark = "V"\nunverified = ["A1"]', "concept.z.mark: is V"),
        (CONCEPT, 'mark = "V"', 'mark = "V"\nunverified = ["B"]', "concept.z.unverified: B is no"),
        (CONCEPT, 'mark = "V"\n', "", "concept.z.mark: is missing"),
    ],
)
def test_no_code_stands_there_without_a_mark(text: str, old: str, new: str, says: str) -> None:
    read = read_drugs if text is DRUG else read_conditions
    with pytest.raises(KnowledgeError, match=says):
        read(read_table("x.toml", text.replace(old, new)))


@pytest.mark.parametrize(
    ("code", "concept", "meant"),
    [
        ("N48.4", "erectile-dysfunction", True),
        ("F52.2", "erectile-dysfunction", True),
        ("F52.22", "erectile-dysfunction", False),
        ("D68.6", "thrombophilia", True),
        ("D68.62", "thrombophilia", True),
        ("D68.69", "thrombophilia", False),
        ("K76.8", "liver-minor", True),
        ("K76.81", "liver-minor", False),
        ("H47.0", "eye-vascular", True),
        ("H47.03", "eye-vascular", False),
        ("C79.3", "intracranial-lesion", True),
    ],
)
def test_who_codes_beside_those_of_the_clinical_modification(
    catalogue: Catalogue, code: str, concept: str, meant: bool
) -> None:
    found = catalogue.conditions[concept]
    named = code.startswith(found.icd10) and not code.startswith(found.icd10_except or ("-",))
    assert named is meant


def test_si_factors_lead_back(catalogue: Catalogue) -> None:
    factor = catalogue.analytes["testosterone"].si_factor
    assert factor is not None
    assert round(300 * factor, 4) == Decimal("10.4015")


@pytest.mark.parametrize(
    ("sent", "level"),
    [
        ("ng/dL", "ng/dl"),
        ("NG/DL", "ng/dl"),
        ("ng/100mL", "ng/dl"),
        ("m[IU]/mL", "miu/ml"),
        ("m[iU]/mL", "miu/ml"),
        ("µIU/mL", "uiu/ml"),
        ("μIU/mL", "uiu/ml"),
        ("mcg/L", "ug/l"),
        ("10^6/mL", "106/ml"),
        ("10*6/mL", "106/ml"),
        ("mm Hg", "mmhg"),
    ],
)
def test_spellings_are_levelled(sent: str, level: str) -> None:
    assert level_unit(sent) == level


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('soft = ["2", "90"]', 'soft = ["0.5", "90"]', "analyte.x.soft: reaches outside"),
        ('hard = ["1", "100"]', 'hard = ["100", "1"]', "low 100 is above high 1"),
        ('kind = "molar"', 'kind = "moles"', "units[1].kind: 'moles' is not one of"),
        ('code = "2986-8"', 'code = "2986-9"', "check digit"),
        ('factor = "28.842"', 'factor = 28.842', "written as text"),
        ('factor = "28.842"', 'factor = "lots"', "is not a number"),
        ('factor = "28.842"', 'factor = "0"', "above zero"),
        ('si_unit = "nmol/L"', 'si_unit = "mol"', "mol is not among the units"),
        ('unit = "ng/dL"', 'unit = "nmol/L"', "is not the unit whose factor is 1"),
        ('mark = "V"', 'mark = "sure"', "'sure' is not one of"),
        ('plan = "hormones"', 'plan = "hormones"\ncolour = "red"', "x.colour: is not known here"),
        ('source = "here"\n', "", "analyte.x.source: is missing"),
        ('ucum = "nmol/L"', 'ucum = "NG/dl"', "is also a spelling of ng/dL"),
    ],
)  # fmt: skip
def test_an_inconsistent_analyte_is_refused_by_name(old: str, new: str, says: str) -> None:
    assert old in ANALYTE
    with pytest.raises(KnowledgeError) as refused:
        read_analytes(read_table("analytes.toml", ANALYTE.replace(old, new, 1)))
    assert str(refused.value).startswith("analytes.toml: ")
    assert says in str(refused.value)


def test_two_analytes_cannot_claim_one_code() -> None:
    twice = ANALYTE + ANALYTE.replace("analyte.x", "analyte.other")
    with pytest.raises(KnowledgeError, match=r"analyte\.other\.loinc: 2986-8 already belongs to x"):
        read_analytes(read_table("analytes.toml", twice))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("text = 'why'", "text = '('", "is not a regular expression"),
        ("text = 'why'", "text = '(why)?'", "matches an empty text"),
        ("hpg_active = false", "hpg_active = true", "drug.y.washout_days"),
        ('role = "other"', 'role = "wizard"', "'wizard' is not one of"),
        ('rxnorm = ["1"]', 'rxnorm = ["1", "1"]', "1 is listed twice"),
    ],
)
def test_an_inconsistent_drug_is_refused_by_name(old: str, new: str, says: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        read_drugs(read_table("drugs.toml", DRUG.replace(old, new, 1)))
    assert says in str(refused.value)


def test_a_concept_recognised_by_nothing_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="can be recognised by nothing"):
        read_conditions(read_table("conditions.toml", CONCEPT.replace('icd10 = ["A1"]', "", 1)))


def test_an_exception_outside_its_prefixes_is_refused() -> None:
    odd = CONCEPT.replace('icd10 = ["A1"]', 'icd10 = ["A1"]\nicd10_except = ["B2"]', 1)
    with pytest.raises(KnowledgeError, match="B2 is under none of the prefixes"):
        read_conditions(read_table("conditions.toml", odd))


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"drugs\.toml: not TOML"):
        read_table("drugs.toml", "[[")
