"""Odd corners of the rules, one man each: the state of the axis, the status, and what is said.

`says` are finding codes with severities that must be there, `silent` codes that must not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
from men import Man, candidate, codes, draft, low_man, man, taking

from smartapp.patient.record import DraftOrder


class Corner(NamedTuple):
    one: Callable[[], Man]
    axis: str | None = None
    status: str | None = None
    says: Mapping[str, str] = {}
    silent: tuple[str, ...] = ()
    orders: tuple[str | DraftOrder, ...] = ()
    profile: str = "aua"


def t_man(*values: float | str, shbg: float | None = 30, age: int = 35) -> Man:
    one = man(age)
    for place, value in enumerate(values):
        one.testosterone(value, -30 - 30 * place)
    one.lh(3.1).fsh(4.2)
    return one if shbg is None else one.shbg(shbg)


def on(agent: str, start: int = -200, **more: object) -> Man:
    """A man who took his baseline and then the drug."""
    one = man(35).testosterone(210, start - 10).testosterone(220, start - 40)
    one.lh(3, start - 10).fsh(4, start - 10).hematocrit(44, start - 10)
    return one.drug(agent, start, **more)  # type: ignore[arg-type]


CORNERS: dict[str, Corner] = {
    # 1, 2
    "eighteen today is a man": Corner(lambda: t_man(210, 220, age=19), "secondary"),
    "three mornings: the newest two count": Corner(lambda: t_man(400, 410, 200), "eugonadal"),
    "a high afternoon value is no second sample": Corner(
        lambda: t_man(210).testosterone(380, -5, clock="not-morning"), "indeterminate",
        "confirm-first", {"confirm-testosterone": "info"},
    ),
    "two values of one morning are their mean": Corner(
        lambda: t_man(220).testosterone(240, -30).testosterone(232, -90), "secondary"
    ),
    "a sample a year and a day old is none": Corner(
        lambda: man().testosterone(210, -30).testosterone(220, -366).lh(3).fsh(4).shbg(30),
        "indeterminate", "confirm-first",
    ),
    "LH ninety-one days from every sample does not count": Corner(
        lambda: man().testosterone(210, -10).testosterone(220, -20).lh(3, -111).shbg(30),
        "insufficient", "confirm-first",
    ),
    "the newest LH unusable: abstain": Corner(
        lambda: candidate().unusable("lh"), "insufficient", "confirm-first",
        {"cannot-assess": "info"}, ("recalibration-candidate",),
    ),
    # 3
    "a mean on the line of 8 nmol/L is not clearly low": Corner(
        lambda: t_man("230.7", "230.7", shbg=10), "eugonadal", "not-indicated"
    ),
    "low by low SHBG is not low": Corner(lambda: t_man(290, 295, shbg=12), "eugonadal"),
    "high SHBG makes 290 low": Corner(lambda: t_man(290, 295, shbg=70), "secondary"),
    "320 with high SHBG is low by free testosterone": Corner(
        lambda: t_man(320, 322, shbg=60), "secondary"
    ),
    "320 without SHBG waits": Corner(
        lambda: t_man(320, 322, shbg=None), "indeterminate", "confirm-first"
    ),
    "aua: 380 is not low, whatever SHBG": Corner(lambda: t_man(380, 385, shbg=110), "eugonadal"),
    "es: 380 with SHBG 110 is low, and for the specialist": Corner(
        lambda: t_man(380, 385, shbg=110), "secondary", "specialist",
        {"specialist-review": "info"}, profile="es",
    ),
    "eau: 280 needs SHBG": Corner(
        lambda: t_man(280, 282, shbg=None), "indeterminate", "confirm-first", profile="eau"
    ),
    "bssm: 390 with prediabetes is judged by free testosterone": Corner(
        lambda: t_man(390, 392, shbg=90).problem("prediabetes"), "secondary", "specialist",
        profile="bssm",
    ),
    "bssm: 390 without diabetes is not low": Corner(
        lambda: t_man(390, 392, shbg=90), "eugonadal", "not-indicated", profile="bssm"
    ),
    "SHBG 60 is altered at 49 and not at 50": Corner(
        lambda: t_man(240, 245, shbg=60, age=49), "secondary"
    ),
    "straddling, both up to 346, free testosterone low": Corner(
        lambda: t_man(295, 310, shbg=60), "secondary"
    ),
    "straddling, a third low sample decides": Corner(
        lambda: t_man(290, 360, 280), "secondary"
    ),
    "straddling, a third high sample decides": Corner(lambda: t_man(290, 360, 400), "eugonadal"),
    # 4
    "LH at exactly its upper limit is not primary": Corner(
        lambda: low_man().without("lh").lh("9.4"), "secondary"
    ),
    "FSH high, LH in range: mixed": Corner(
        lambda: low_man().without("fsh").fsh(13), "mixed", "specialist"
    ),
    "a very high testosterone with raised LH": Corner(
        lambda: t_man(950, 960).without("lh").lh(12), "compensated", "not-indicated",
        {"specialist-review": "info"},
    ),
    "LH below half with a prolactinoma is no riddle": Corner(
        lambda: low_man().without("lh").lh("0.3").problem("prolactinoma"), "secondary"
    ),
    "clomiphene stopped 84 days ago is washed out for a draw of today": Corner(
        lambda: candidate().drug("clomiphene", -400, -84), None
    ),
    "a drug of unknown end a year after its start acts no more": Corner(
        lambda: candidate().drug("clomiphene", -500, status="uncertain"), "secondary", "candidate"
    ),
    "an aromatase inhibitor alone is on therapy": Corner(
        lambda: on("anastrozole"), "on-therapy", "on-therapy"
    ),
    # 5
    "castrate values with LH in range are not severe": Corner(
        lambda: t_man(40, 45), "secondary", None, {}, ("severe-primary-failure",)
    ),
    "castrate values with raised LH are severe": Corner(
        lambda: t_man(40, 45).without("lh").lh(10), "severe-primary", "not-suitable"
    ),
    "one testis lost is no severe failure": Corner(
        lambda: candidate().problem("orchiectomy", laterality="left"), "secondary", "candidate"
    ),
    "left and right, years apart": Corner(
        lambda: candidate().problem("orchiectomy", -4000, laterality="left").problem(
            "orchiectomy", -400, laterality="right"
        ),
        "severe-primary", "not-suitable",
    ),
    "Klinefelter with normal LH is the specialist's": Corner(
        lambda: candidate().problem("klinefelter"), "secondary", "specialist"
    ),
    "one small testis is not enough": Corner(
        lambda: low_man().without("lh", "fsh").lh(11).fsh(30).lab("testis-volume", 4, -20),
        "primary", "specialist",
    ),
    # 6
    "one value below 150 needs no MRI": Corner(
        lambda: candidate().without("testosterone").testosterone(140, -30).testosterone(160, -60),
        "secondary", "candidate",
    ),
    "a treated prolactinoma is still a lesion": Corner(
        lambda: candidate().problem("intracranial-lesion", active=False), None, "specialist"
    ),
    "a resolved symptom of last year counts": Corner(
        lambda: _unasked().problem("erectile-dysfunction", -300, active=False), None, "candidate"
    ),
    "fatigue and an energy of 3 are enough": Corner(
        lambda: _unasked().problem("fatigue").told("nrs", "energy", 3), None, "candidate"
    ),
    "hydrocortisone for a pituitary deficiency is no cause": Corner(
        lambda: candidate().problem("pituitary-deficiency").drug("glucocorticoid", -500), None,
        "candidate",
    ),
    # 7, 8
    "allergy to clomiphene leaves hCG": Corner(
        lambda: candidate().allergy("clomiphene"), None, "candidate",
        {"recalibration-candidate": "info"},
    ),
    "a clot of 184 days ago is relative": Corner(
        lambda: candidate().problem("vte", -184), None, "candidate", {"precaution": "info"},
        ("contraindication",),
    ),
    "a clot of 183 days ago is absolute for all": Corner(
        lambda: candidate().problem("vte", -183), None, "not-suitable",
        {"contraindication": "warning"},
    ),
    "an undated clot still active is absolute": Corner(
        lambda: candidate().problem("vte", None), None, "not-suitable"
    ),
    "an undated clot that is over is relative": Corner(
        lambda: candidate().problem("vte", None, active=False), None, "candidate"
    ),
    "cured prostate cancer: no hCG, SERM relative": Corner(
        lambda: candidate().problem("prostate-cancer", active=False), None, "candidate"
    ),
    "FSH is stopped by a hormone-dependent tumour": Corner(
        lambda: candidate().problem("prostate-cancer"), None, None,
        {"contraindication": "critical"}, orders=("fsh",),
    ),
    "cirrhosis leaves hCG": Corner(
        lambda: candidate().problem("liver-severe", active=False), None, "candidate"
    ),
    "hematocrit 54 stops every agent": Corner(
        lambda: candidate().without("hematocrit").hematocrit(54), None, "not-suitable"
    ),
    "hematocrit 50 is relative": Corner(
        lambda: candidate().without("hematocrit").hematocrit(50), None, "candidate",
        {"precaution": "info"},
    ),
    "controlled hypothyroidism is nothing": Corner(
        lambda: candidate().problem("hypothyroidism").drug("levothyroxine", -900), None,
        "candidate", {}, ("precaution", "contraindication"),
    ),
    "diabetes: the cause first, on the card": Corner(
        lambda: candidate().problem("type-2-diabetes"), None, "candidate", {"precaution": "info"}
    ),
    "a visual event before the first SERM is relative": Corner(
        lambda: candidate().problem("visual-disturbance", -900), None, "candidate"
    ),
    "a visual event 84 days after the last SERM rules it out": Corner(
        lambda: on("clomiphene", -800, stop=-500).problem("visual-disturbance", -416), None, None,
        {"contraindication": "critical"}, orders=("clomiphene",),
    ),
    "a visual event 85 days after it does not": Corner(
        lambda: on("clomiphene", -800, stop=-500).problem("visual-disturbance", -415), None, None,
        {"precaution": "warning"}, ("contraindication",), orders=("clomiphene",),
    ),
    # 9
    "on therapy, nothing measured": Corner(
        lambda: on("clomiphene"), "on-therapy", "on-therapy", {}, ("not-indicated",)
    ),
    "testosterone 950 on clomiphene": Corner(
        lambda: on("clomiphene").testosterone(950, -5), None, None, {"response-over": "warning"}
    ),
    "testosterone 1600 on clomiphene": Corner(
        lambda: on("clomiphene").testosterone(1600, -5), None, None, {"response-over": "critical"}
    ),
    "low after twelve weeks, LH doubled and more": Corner(
        lambda: on("clomiphene").testosterone(240, -5).lh(9, -5), None, None,
        {"response-testicular-failure": "warning"},
    ),
    "low after twelve weeks, LH not risen": Corner(
        lambda: on("clomiphene").testosterone(240, -5).lh(4, -5), None, None,
        {"response-central-failure": "warning"},
    ),
    "low after twelve weeks, no LH": Corner(
        lambda: on("clomiphene").testosterone(240, -5), None, None, {"cannot-assess": "info"},
        ("response-central-failure", "response-testicular-failure"),
    ),
    "low on enough recombinant hCG is a failure too": Corner(
        lambda: on("hcg-alfa", per_week=6500).testosterone(240, -5), None, None,
        {"response-testicular-failure": "warning"},
    ),
    "a high LH on clomiphene is never primary": Corner(
        lambda: on("clomiphene").testosterone(500, -5).lh(20, -5), "on-therapy", "on-therapy", {},
        ("specialist-review", "severe-primary-failure"),
    ),
    "a low LH on hCG is no suppression": Corner(
        lambda: on("hcg").testosterone(500, -5).lh("0.2", -5), None, None, {}, ("suppressed-axis",)
    ),
    "hematocrit 54 once is a warning": Corner(
        lambda: on("clomiphene").hematocrit(54, -5), None, None, {"hematocrit-high": "warning"}
    ),
    "hematocrit 54 twice two days apart is not confirmed": Corner(
        lambda: on("clomiphene").hematocrit(54, -5).hematocrit(54, -7), None, None,
        {"hematocrit-high": "warning"},
    ),
    "hematocrit 54 twice three days apart is": Corner(
        lambda: on("clomiphene").hematocrit(54, -5).hematocrit(54, -8), None, None,
        {"hematocrit-high": "critical"},
    ),
    "estradiol 110 alone is a warning": Corner(
        lambda: on("clomiphene").lab("estradiol", 110, -5), None, None,
        {"estradiol-high": "warning"},
    ),
    "estradiol 110 with a new breast lump is critical": Corner(
        lambda: on("clomiphene").lab("estradiol", 110, -5).problem("breast-mass", -3), None, None,
        {"estradiol-high": "critical", "gynecomastia": "critical"},
    ),
    "leg swelling of two weeks ago": Corner(
        lambda: on("clomiphene").problem("vte-symptom", -14), None, None,
        {"thromboembolism": "warning"},
    ),
    "leg swelling of fifteen days ago": Corner(
        lambda: on("clomiphene").problem("vte-symptom", -15), None, None, {}, ("thromboembolism",)
    ),
    "PHQ-9 item 9 in an untreated man": Corner(
        lambda: low_man().told("phq-9", "self-harm", 1), None, None, {"mood-change": "critical"}
    ),
    # 10
    "clomiphene for a eugonadal man": Corner(
        lambda: t_man(500, 510), None, None, {"not-indicated": "warning"}, orders=("clomiphene",)
    ),
    "100 mg of clomiphene a day": Corner(
        candidate, None, None, {"dose-outside-regimen": "warning"},
        orders=(draft("clomiphene", dose=taking(100, 7)),),
    ),
    "testosterone ordered while a child is wished for": Corner(
        lambda: candidate().wishes("yes"), None, None,
        {"testosterone-fertility": "critical", "recalibration-alternative": "info"},
        orders=("testosterone-short",),
    ),
    "testosterone beside a little hCG is a published pair": Corner(
        lambda: on("testosterone-short"), None, None, {"duplicate-therapy": "info"},
        orders=(draft("hcg", per_week=1500),),
    ),
    "clomiphene with hCG is a published pair": Corner(
        lambda: on("hcg"), None, None, {}, ("duplicate-therapy",),
        orders=(draft("clomiphene", dose=taking(25, 7)),),
    ),
    "a severe failure at the order is critical": Corner(
        lambda: low_man().without("lh").lh(25), None, None, {"severe-primary-failure": "critical"},
        orders=("hcg",),
    ),
}  # fmt: skip


def _unasked() -> Man:
    one = candidate()
    one.problems = []
    return one


@pytest.mark.parametrize("corner", CORNERS)
def test_an_odd_corner(corner: str) -> None:
    want = CORNERS[corner]
    found = want.one().judged(*want.orders, profile=want.profile)
    if want.axis is not None:
        assert found.axis.state == want.axis, found.axis.reason
    if want.status is not None:
        assert found.recommendation.status == want.status, found.recommendation.reasons
    said = codes(found)
    assert want.says.items() <= said.items()
    assert not said.keys() & set(want.silent)
