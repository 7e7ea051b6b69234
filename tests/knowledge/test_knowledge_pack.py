"""The pack holds together, says what the contract says, and refuses what does not fit."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smartapp.errors import KnowledgeError
from smartapp.knowledge import PROFILES, Knowledge, load
from smartapp.knowledge.pack import OWN_PAGE, PACK
from smartapp.knowledge.rules import SOURCE_KINDS
from smartapp.knowledge.show import rule_text


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


# -- What is in it


def test_every_profile_loads() -> None:
    assert PROFILES == ("aua", "es", "eau", "bssm")
    for profile in PROFILES:
        assert load(profile).protocol.profile == profile


def test_every_rule_has_a_source_with_a_public_address(knowledge: Knowledge) -> None:
    for rule in knowledge.rules.values():
        assert rule.title
        assert rule.section
        assert rule.sources, rule.id
        for source in rule.sources:
            assert source.url.startswith("https://")
            assert source.label


def test_every_citation_is_a_page_of_its_own_or_says_why_not(knowledge: Knowledge) -> None:
    unsettled = {key for key, source in knowledge.citations.items() if source.unsettled}
    assert unsettled == {"ANSM", "clomiphene-label-CA"}
    for source in knowledge.citations.values():
        parts = urlsplit(source.url)
        assert parts.scheme == "https"
        assert source.kind in SOURCE_KINDS
        assert source.year or source.kind == "laboratory", source.key
        if not source.unsettled:
            assert parts.path.strip("/"), source.url
            assert "search" not in source.url, source.url
            assert "term=" not in parts.query, source.url


def test_only_our_own_page_is_a_default(knowledge: Knowledge) -> None:
    ours = {key for key, source in knowledge.citations.items() if source.url.startswith(OWN_PAGE)}
    assert ours == {key for key, s in knowledge.citations.items() if s.kind == "default"}


def test_every_number_is_one_of_some_rule(knowledge: Knowledge) -> None:
    named = {key for rule in knowledge.rules.values() for key in rule.parameters}
    # Reference change values are also drawn as bands on the dashboard, by no rule.
    idle = knowledge.protocol.parameters.keys() - named
    assert {key.partition(".")[0] for key in idle} <= {"variation"}


def test_no_citation_stands_there_unused(knowledge: Knowledge) -> None:
    used = {source.key for rule in knowledge.rules.values() for source in rule.sources}
    used |= {source.key for regimen in knowledge.regimens.values() for source in regimen.sources}
    for profile in PROFILES:
        used |= {p.source for p in load(profile).protocol.parameters.values()}
    studies = tomllib.loads((PACK / "protocol.toml").read_text("utf-8"))["rcv-profile"].values()
    for sections in studies:
        used |= {p["source"] for numbers in sections.values() for p in numbers.values()}
    assert knowledge.citations.keys() - used == set()


def test_a_default_cites_our_own_page_first(knowledge: Knowledge) -> None:
    for rule in knowledge.rules.values():
        if rule.basis == "default":
            assert "rules" in {source.key for source in rule.sources}, rule.id


def test_every_parameter_has_unit_source_and_mark(knowledge: Knowledge) -> None:
    for parameter in knowledge.protocol.parameters.values():
        assert parameter.source in knowledge.citations
        assert parameter.mark in {"V", "unverified", "DEFAULT", "EXTRAP"}
        assert parameter.unit or isinstance(parameter.value, bool), parameter.key


def test_the_profiles_differ_as_the_rules_say() -> None:
    cuts = {p: load(p).protocol.low_t for p in PROFILES}
    assert [cuts[p].clearly_low for p in PROFILES] == [
        Decimal("230.7"), Decimal(264), Decimal("230.7"), Decimal("230.7"),
    ]  # fmt: skip
    assert [cuts[p].free_t_top for p in PROFILES] == [
        Decimal("346.1"), Decimal(400), Decimal("346.1"), Decimal("346.1"),
    ]  # fmt: skip
    assert [cuts[p].free_t_cut for p in PROFILES] == [220, 220, 220, 225]
    assert cuts["bssm"].free_t_top_diabetes == Decimal("403.8")


CONTRACT = {  # code: (levels on view, levels on order); {} is "no card there"
    "severe-primary-failure": ({"default": "warning", "active": "critical"}, {"critical"}),
    "contraindication": ({"default": "warning", "active": "critical"}, {"critical"}),
    "precaution": ({"default": "info", "relative-active": "warning"}, {"info", "warning"}),
    "recalibration-candidate": ({"default": "info"}, set()),
    "recalibration-alternative": ({}, {"info"}),
    "testosterone-fertility": ({"default": "warning"}, {"critical"}),
    "specialist-review": ({"default": "info"}, {"warning"}),
    "not-indicated": ({"default": "warning"}, {"warning"}),
    "confirm-testosterone": ({"default": "info", "unremarkable": "info"}, {"warning"}),
    "baseline-incomplete": ({}, {"warning"}),
    "axis-workup": ({"default": "info", "crossed": "warning"}, {"info"}),
    "suppressed-axis": ({"default": "warning"}, {"warning"}),
    "duplicate-therapy": ({"default": "warning", "published": "info"}, {"warning", "info"}),
    "hematocrit-high": (
        {"default": "warning", "stop": "critical", "rise": "info"},
        {"warning", "critical", "info"},
    ),
    "visual-symptoms": ({"default": "critical"}, {"critical"}),
    "thromboembolism": ({"default": "critical", "symptom": "warning"}, {"critical", "warning"}),
    "cannot-assess": ({"default": "info"}, {"warning"}),
    "dose-outside-regimen": ({"default": "warning"}, {"warning"}),
    "monitoring-due": ({"default": "info", "late": "warning"}, set()),
    "monitoring-plan": ({}, {"info"}),
    "response-over": ({"default": "warning", "far": "critical"}, set()),
    "response-lost": ({"default": "warning"}, set()),
    "response-central-failure": ({"default": "warning"}, set()),
    "response-testicular-failure": ({"default": "warning"}, set()),
    "response-partial": ({"default": "info"}, set()),
    "response-in-target": ({"default": "info"}, set()),
    "response-biochemical-only": ({"default": "info"}, set()),
}


def test_severities_are_those_of_the_contract(knowledge: Knowledge) -> None:
    # Codes that the engine learns later join both tables then.
    told = {code: (dict(k.view), set(k.order.values())) for code, k in knowledge.findings.items()}
    assert {code: told[code] for code in CONTRACT} == CONTRACT


def test_a_quiet_response_stays_on_the_dashboard(knowledge: Knowledge) -> None:
    for code in ("response-partial", "response-in-target", "response-biochemical-only"):
        assert knowledge.findings[code].quiet == {"default"}


def test_the_schedule_names_each_test_once_for_a_drug(knowledge: Knowledge) -> None:
    rows = [(c.analyte or c.question, c.drug_class) for c in knowledge.schedule]
    assert len(rows) == len(set(rows))
    safety = {c.analyte or c.question for c in knowledge.schedule if c.safety}
    assert safety == {"hematocrit", "psa", "alt", "estradiol", "vision"}


def test_the_words_never_order_or_promise() -> None:
    files = sorted((PACK / "wording").glob("*.toml"))
    text = "\n".join(path.read_text("utf-8") for path in files).lower()
    for word in ("must", "cure", "cures", "guarantee", "start the", "prescribe "):
        assert not re.search(rf"\b{word}\b", text), word


def test_every_place_in_a_sentence_is_a_plain_word(knowledge: Knowledge) -> None:
    for words in knowledge.wording.findings.values():
        for template in (words.summary, words.detail):
            assert all(place.isidentifier() for place in template.places)
            assert template.text.strip() == template.text


def test_published_regimens_are_only_of_known_drugs_and_sourced(knowledge: Knowledge) -> None:
    for regimen in knowledge.regimens.values():
        assert regimen.sources
        assert regimen.amount > 0
    starts = {r.agent for r in knowledge.regimens.values() if r.start}
    assert starts == {"clomiphene", "enclomiphene", "hcg"}


# -- A site's own file


def site(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_site_overrides_values_and_the_protocol_names_them(tmp_path: Path) -> None:
    found = load(
        site_file=site(
            tmp_path,
            'profile = "eau"\n[hematocrit]\nwarning = 51\nstop = 54\n[gate]\nmri-t = 140.5\n',
        )
    )
    assert found.protocol.profile == "eau"
    assert found.protocol.hematocrit.warning == 51
    assert found.protocol.gate.mri_t == Decimal("140.5")
    # What was only repeated is not overridden.
    assert found.protocol.overridden == ("gate.mri-t", "hematocrit.warning")
    assert found.protocol.parameters["hematocrit.warning"].overridden


def test_a_profile_asked_for_outranks_the_sites(tmp_path: Path) -> None:
    assert load("es", site(tmp_path, 'profile = "eau"\n')).protocol.profile == "es"


def test_an_override_reaches_the_matrix(tmp_path: Path) -> None:
    found = load(site_file=site(tmp_path, "[contraindications]\npsa = 3\n"))
    (row,) = (r for r in found.matrix if r.key == "psa-unreviewed")
    assert row.tests[0].above == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hematocrit]\nwarnings = 51\n", ("hematocrit.warnings", "not known")),
        ("[blood]\nx = 1\n", ("blood", "not a section")),
        ("warning = 51\n", ("warning", "not a section")),
        ("hematocrit = 51\n", ("hematocrit", "must be a table")),
        ('version = "9"\n', ("version", "not a section")),
        ('[finding.hematocrit-high.default]\nsummary = "x"\n', ("finding", "not a section")),
        ("[matrix.warfarin]\nmark = 1\n", ("matrix", "not a section")),
        ("[dose]\nlevothyroxine-low = 1\n", ("dose.levothyroxine-low", "not known")),
        ("[hematocrit]\nwarning = 55\n", ("hematocrit.warning", "above hematocrit.stop, 54")),
        ("[estradiol]\nhigh = 40\n", ("estradiol.high: 40 lies below estradiol.limit, 42.6",)),
        ("[monitoring]\nstop-low = 100\n", ("monitoring.stop-low", "above monitoring.stop, 91")),
        ("[monitoring]\nyear = 100\n", ("monitoring.year: 100 lies below",)),
        ('[hematocrit]\nwarning = "51"\n', ("hematocrit.warning", "must be a number")),
        ("[hematocrit]\nwarning = true\n", ("hematocrit.warning", "must be a number")),
        ("[psa]\nrise = [1, 2]\n", ("psa.rise", "must be a number")),
        (
            '[hematocrit]\nwarning = { value = 51, unit = "%" }\n',
            ("hematocrit.warning", "bare value", "warning = 52", "%"),
        ),
        ("[hematocrit]\nwarning = -1\n", ("hematocrit.warning", "at least 0")),
        ("[hematocrit]\nwarning = nan\n", ("hematocrit.warning", "at least 0")),
        ("[hematocrit]\nwarning = 0.51\n", ("hematocrit.warning", "0.51", "must be in %")),
        ("[gate]\nmri-t = 5.2\n", ("gate.mri-t", "5.2", "must be in ng/dL")),
        ("[estradiol]\nlimit = 156\n", ("estradiol.limit", "156", "must be in pg/mL")),
        ("[severe]\nlh-multiple = 0\n", ("severe.lh-multiple", "far from 2")),
        ("[samples]\nwindow = 10.5\n", ("samples.window", "whole number")),
        ("[options]\nallow-unapproved = 1\n", ("options.allow-unapproved", "true or false")),
        ('profile = "who"\n', ("profile", "who", "aua, es, eau, bssm")),
        ("profile = 3\n", ("profile", "must be a text")),
        ('rcv-profile = "who"\n', ("rcv-profile", "who", "guldhaug")),
        ("[hematocrit\n", ("not TOML",)),
        ("[hematocrit]\nwarning = 51\nwarning = 52\n", ("not TOML", "line 3")),
    ],
)
def test_a_site_file_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(KnowledgeError) as refusal:
        load(site_file=site(tmp_path, text))
    for word in ("site.toml: ", *words):
        assert word in str(refusal.value)


def test_a_site_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = site(tmp_path, "\ufeff[hematocrit]\r\nwarning = 51\r\n")
    assert load(site_file=path).protocol.hematocrit.warning == 51


def test_the_example_of_a_sites_file_loads_and_changes_what_it_says() -> None:
    example = Path(__file__).parents[2] / "docs" / "site-protocol.example.toml"
    protocol = load(site_file=example).protocol
    assert (protocol.profile, protocol.rcv_profile) == ("eau", "ahokoski")
    changed = {key for key in protocol.overridden if not key.startswith("variation.")}
    assert changed == {"gate.prolactin-days", "hematocrit.warning", "orders.baseline-days"}
    stated = re.findall(r"^([a-z-]+) = .*\((\d+) here\)$", example.read_text("utf-8"), re.MULTILINE)
    ours = load("eau").protocol.parameters
    for name, value in stated:
        (key,) = (k for k in changed if k.endswith(f".{name}"))
        assert ours[key].value == int(value), key
    assert len(stated) == 3


def test_what_a_site_sets_no_longer_bears_our_source(tmp_path: Path) -> None:
    knowledge = load(site_file=site(tmp_path, "[hematocrit]\nwarning = 51\n"))
    assert knowledge.protocol.parameters["hematocrit.warning"].mark == "SITE"
    shown = rule_text(knowledge.rules["A-HCT"], knowledge)
    assert "hematocrit.warning = 51 %  (SITE)" in shown
    assert "1 changed by this site" in shown


def test_a_rule_is_shown_with_its_numbers_and_whom_it_speaks_against(knowledge: Knowledge) -> None:
    shown = rule_text(knowledge.rules["R-CI-vte-recent"], knowledge)
    assert "clomiphene absolute" in shown
    assert "anastrozole precaution" in shown
    assert "contraindications.vte-days = 183 days  (DEFAULT)" in shown
    assert "may no longer answer" in shown


def test_a_missing_site_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"gone\.toml"):
        load(site_file=tmp_path / "gone.toml")


# -- A pack that contradicts itself

Edit = Callable[[str], str]


def swap(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


BROKEN: list[tuple[str, Edit, tuple[str, ...]]] = [
    ("rules.toml", swap('citations = ["rules"]', "citations = []"), ("R-APP-01", "source")),
    ("rules.toml", swap('citations = ["rules"]', 'citations = ["nobody"]'), ("nobody",)),
    ("rules.toml", swap('"suppressed-axis"', '"no-such-code"'), ("R-DX-05", "no-such-code")),
    ("rules.toml", swap('basis = "default"', 'basis = "hearsay"'), ("basis", "hearsay")),
    ("rules.toml", swap("[R-FERT-01]", "[R-FERT-01]\ngrade = 1"), ("grade", "not known")),
    ("citations.toml", swap("https://doi", "http://doi"), ("AUA.url", "https")),
    ("citations.toml", swap("https://doi.org/10.1016/j.juro.2018.03.115", "https://x"), ("AUA",)),
    ("citations.toml", swap("unsettled =", "note ="), ("clomiphene-label-CA", "note", "known")),
    ("citations.toml", lambda t: re.sub("unsettled = .*", "", t), ("ANSM.url", "front page")),
    ("citations.toml", swap("11176482/", "?term=Pavlovich"), ("Pavlovich.url", "search")),
    ("citations.toml", swap('kind = "guideline"', 'kind = "blog"'), ("AUA.kind", "blog")),
    ("citations.toml", swap("year = 2018", "year = 18"), ("AUA.year", "18")),
    ("citations.toml", swap("year = 2018\n", ""), ("AUA.year", "missing")),
    ("rules.toml", swap('"axis.suppressed-lh"', '"a.b"'), ("R-DX-05", "a.b")),
    ("matrix.toml", swap('"pituitary-deficiency"]', '"no-such"]'), ("no-such", "condition")),
    ("matrix.toml", swap('analyte = "psa"', 'analyte = "psi"'), ("psi", "analyte")),
    ("matrix.toml", swap('agents = ["warfarin"]', 'agents = ["rat"]'), ("rat", "drug")),
    ("matrix.toml", swap('classes = ["gnrh"]', 'classes = ["gnr"]'), ("gnr", "class")),
    ("matrix.toml", swap('fact = "unapproved"', 'fact = "unproved"'), ("unproved",)),
    ("matrix.toml", swap('"contraindications.psa"', '"contraindications.psi"'), ("psi",)),
    ("matrix.toml", swap('["gate.opioid-days"]', '["gate.opium"]'), ("opioid-chronic", "opium")),
    ("matrix.toml", swap('when = "recent"', 'when = "soon"'), ("vte-recent", "soon")),
    ("matrix.toml", swap('hcg = "R"', 'hcg = "X"'), ("hcg", "A, R or P")),
    ("matrix.toml", swap("[warfarin]", "[warfare]"), ("warfare", "no words")),
    ("findings.toml", swap('view = "critical"', 'view = "severe"'), ("severe", "severity")),
    ("findings.toml", swap("[cannot-assess]", "[cannot]"), ("cannot-assess",)),
    ("regimens.toml", swap('agent = "hcg"', 'agent = "lhrh"'), ("lhrh",)),
    ("regimens.toml", swap('citations = ["Katz"]', "citations = []"), ("clomiphene-25-qod",)),
    ("protocol.toml", swap("adult-age", "adult"), ("applicability", "adult")),
    ("protocol.toml", swap('source = "AUA", mark', 'source = "Nobody", mark'), ("Nobody",)),
    ("protocol.toml", swap('mark = "V"', 'mark = "sure"'), ("sure",)),
    ("protocol.toml", swap("wish-age = ", "# wish-age = "), ("orders.wish-age", "missing")),
    ("schedule.toml", swap('analyte = "lh"', 'analyte = "l"'), ("lh.analyte", "'l'")),
    ("schedule.toml", swap('"first", "quarter"', '"quarter", "first"'), ("steps", "order")),
    ("schedule.toml", swap('"half"', '"third"'), ("steps", "third")),
    ("schedule.toml", swap('repeat = "often"', 'repeat = "never"'), ("repeat", "never")),
    ("schedule.toml", swap('anchor = "change"', 'anchor = "birth"'), ("anchor", "birth")),
    ("schedule.toml", swap('of = "serm"', 'of = "gnrh"'), ("of", "gnrh")),
    ("schedule.toml", swap('"albumin"]', '"egg-white"]'), ("with", "egg-white")),
    ("schedule.toml", swap('"signs.visual"', '"visual"'), ("answers", "tool.item")),
    ("schedule.toml", swap("quiet = true", "silent = true"), ("silent", "not known")),
    ("schedule.toml", swap('analyte = "fsh"\n', ""), ("fsh", "analyte or a question")),
    ("wording/en.toml", swap("{criterion}", "{criterion"), ("severe-primary-failure",)),
    ("wording/en.toml", swap("[finding.cannot-assess", "[finding.x"), ("no words",)),
    ("wording/en.toml", swap('warfarin = "w', 'rat-poison = "w'), ("warfarin", "no words")),
    ("wording/en.toml", swap("[row]", '[row]\nno-row = "x"'), ("no-row", "not a row")),
    ("wording/en-therapy.toml", lambda t: t + '\n[row]\nwarfarin = "x"\n', ("en-therapy", "twice")),
    ("wording/en-therapy.toml", swap('"en"', '"fr"'), ("en-therapy.toml", "language")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "edit", "words"), BROKEN, ids=[f"{n}-{b[0]}" for n, b in enumerate(BROKEN)]
)
def test_a_pack_that_contradicts_itself_is_refused(
    tmp_path: Path, file: str, edit: Edit, words: tuple[str, ...]
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(PACK, pack, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    target = pack / file
    target.write_text(edit(target.read_text("utf-8")), "utf-8")
    with pytest.raises(KnowledgeError) as refusal:
        load(pack=pack)
    for word in words:
        assert word in str(refusal.value)
