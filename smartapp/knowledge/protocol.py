"""The numbers the rules go by: every threshold, interval and window, typed and named.

A parameter's *value* lives in protocol.toml with its unit, source and evidence mark; its *name and
type* live here, so that a misspelt threshold is a type error and not a silent default. Files say
`low-t.clearly-low`, code says `protocol.low_t.clearly_low`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from smartapp.knowledge.actions import (
    BoneRules,
    EstradiolRules,
    FluidRules,
    LipidRules,
    LiverRules,
    MoodRules,
    PsaRules,
    SemenRules,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number as the files give it. `overridden` when the site's file changed it."""

    key: str
    value: Decimal | int | bool
    unit: str
    source: str
    mark: str
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Applicability:
    adult_age: int


@dataclass(frozen=True, slots=True)
class Samples:
    """Clinical rules 2: which draws count. All in days."""

    window: int
    pair: int


@dataclass(frozen=True, slots=True)
class LowT:
    """Clinical rules 3. Testosterone in ng/dL, free testosterone in pmol/L."""

    pair_cut: Decimal
    clearly_low: Decimal
    clearly_low_needs_both: bool
    low_if_shbg_normal: Decimal
    free_t_top: Decimal
    free_t_top_diabetes: Decimal
    free_t_whenever_shbg_altered: bool
    free_t_cut: Decimal
    free_t_lab_limit: bool
    single_top: Decimal
    candidate_top: Decimal


@dataclass(frozen=True, slots=True)
class Shbg:
    """When SHBG is altered (nmol/L), and who is at risk of it when it was not measured."""

    low: Decimal
    high: Decimal
    high_older: Decimal
    older_age: int
    risk_age: int
    risk_bmi: Decimal


@dataclass(frozen=True, slots=True)
class AxisRules:
    """Clinical rules 4. LH in IU/L, testosterone in ng/dL."""

    suppressed_lh: Decimal
    high_normal_lh: Decimal
    compensated_high_t: Decimal
    unknown_stop: int
    episode_gap: int


@dataclass(frozen=True, slots=True)
class Severe:
    """Clinical rules 5 (R-ELIG-STOP-01)."""

    lh_multiple: Decimal
    fsh_multiple: Decimal
    testis_volume: Decimal
    castrate_t: Decimal
    hcg_ratio: Decimal
    hcg_days: int


@dataclass(frozen=True, slots=True)
class Gate:
    """Clinical rules 6: what stands before a candidate."""

    mri_t: Decimal
    prolactin_days: int
    recent_days: int
    opioid_days: int
    glucocorticoid_days: int


@dataclass(frozen=True, slots=True)
class Symptoms:
    """Clinical rules 6 (E1): the answers of a man that are a symptom. Totals, and a 0-10 scale."""

    qadam: Decimal
    ams: Decimal
    scale: Decimal


@dataclass(frozen=True, slots=True)
class Workup:
    """R-WU: thresholds and look-back of the work-up after "secondary"."""

    ferritin: Decimal
    transferrin_saturation: Decimal
    iron_days: int
    tsh_days: int


@dataclass(frozen=True, slots=True)
class Contraindications:
    """Clinical rules 8. Multiples are of the upper limit of normal."""

    vte_days: int
    liver_days: int
    transaminase_stop: Decimal
    transaminase_caution: Decimal
    bilirubin_stop: Decimal
    thyroid_days: int
    tsh_stop_low: Decimal
    tsh_stop_high: Decimal
    psa: Decimal
    psa_days: int
    hematocrit_stop: Decimal
    hematocrit_relative: Decimal
    hematocrit_days: int
    eye_days: int
    event_days: int
    triglycerides: Decimal
    triglycerides_days: int
    fsh_multiple: Decimal
    bmi: Decimal
    bmi_days: int


@dataclass(frozen=True, slots=True)
class Hematocrit:
    """Clinical rules 9, on therapy. Per cent; days; the RCV in per cent of the baseline."""

    warning: Decimal
    stop: Decimal
    single_stop: Decimal
    confirm_min: int
    confirm_max: int
    rise: Decimal
    rcv: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class Safety:
    """Days within which a symptom counts as new."""

    vte_symptom: int
    sign_days: int


@dataclass(frozen=True, slots=True)
class Orders:
    """Clinical rules 10."""

    baseline_days: int
    psa_age: int
    wish_age: int
    hcg_beside_testosterone: Decimal


@dataclass(frozen=True, slots=True)
class DoseBounds:
    """Clinical rules 10: the published range. mg a day, except hCG: IU a dose and IU a week."""

    clomiphene_low: Decimal
    clomiphene_high: Decimal
    enclomiphene_low: Decimal
    enclomiphene_high: Decimal
    enclomiphene_base_low: Decimal
    enclomiphene_base_high: Decimal
    hcg_dose_low: Decimal
    hcg_dose_high: Decimal
    hcg_week_low: Decimal
    hcg_week_high: Decimal
    anastrozole_low: Decimal
    anastrozole_high: Decimal


@dataclass(frozen=True, slots=True)
class Variation:
    """Reference change values, per cent of the baseline (evidence base 6.5): up and down."""

    testosterone_up: Decimal
    testosterone_down: Decimal
    lh_up: Decimal
    lh_down: Decimal
    fsh_up: Decimal
    fsh_down: Decimal
    estradiol_up: Decimal
    estradiol_down: Decimal
    shbg_up: Decimal
    shbg_down: Decimal
    psa_up: Decimal
    psa_down: Decimal
    albumin_up: Decimal
    albumin_down: Decimal


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """Clinical rules 9, response. Testosterone in ng/dL; times in days; hCG in IU a week."""

    settle: int
    settle_clomiphene: int
    age: int
    low: Decimal
    target: Decimal
    over: Decimal
    far_over: Decimal
    failure_days: int
    evaluations_apart: int
    hcg_week: Decimal
    hcg_days: int
    symptom_day: int


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Clinical rules 9, schedule: days from the start or the last change, each with its window."""

    first: int
    first_low: int
    first_high: int
    clomiphene_first: int
    clomiphene_first_low: int
    clomiphene_first_high: int
    quarter: int
    quarter_low: int
    quarter_high: int
    half: int
    half_low: int
    half_high: int
    year: int
    year_low: int
    year_high: int
    repeat: int
    repeat_low: int
    repeat_high: int
    often: int
    often_low: int
    often_high: int
    bone: int
    bone_low: int
    bone_high: int
    stop: int
    stop_low: int
    stop_high: int
    stop_until: int
    hematocrit_early: Decimal


@dataclass(frozen=True, slots=True)
class Options:
    """What a site decides, rather than measures."""

    allow_unapproved: bool
    near_miss: Decimal


@dataclass(frozen=True, slots=True)
class Protocol:
    """One profile's parameters. `overridden` names what the site changed; a card says so.

    `rcv_profile` is the study the reference change values come from.
    """

    profile: str
    version: str
    date: str
    overridden: tuple[str, ...]
    applicability: Applicability
    samples: Samples
    low_t: LowT
    shbg: Shbg
    axis: AxisRules
    severe: Severe
    gate: Gate
    symptoms: Symptoms
    workup: Workup
    contraindications: Contraindications
    hematocrit: Hematocrit
    safety: Safety
    orders: Orders
    options: Options
    dose: DoseBounds
    variation: Variation
    response: ResponseRules
    monitoring: Monitoring
    estradiol: EstradiolRules
    psa: PsaRules
    liver: LiverRules
    lipids: LipidRules
    semen: SemenRules
    bone: BoneRules
    mood: MoodRules
    fluid: FluidRules
    rcv_profile: str
    parameters: Mapping[str, Parameter]


SECTIONS: Mapping[str, type] = {
    "applicability": Applicability,
    "samples": Samples,
    "low-t": LowT,
    "shbg": Shbg,
    "axis": AxisRules,
    "severe": Severe,
    "gate": Gate,
    "symptoms": Symptoms,
    "workup": Workup,
    "contraindications": Contraindications,
    "hematocrit": Hematocrit,
    "safety": Safety,
    "orders": Orders,
    "options": Options,
    "dose": DoseBounds,
    "variation": Variation,
    "response": ResponseRules,
    "monitoring": Monitoring,
    "estradiol": EstradiolRules,
    "psa": PsaRules,
    "liver": LiverRules,
    "lipids": LipidRules,
    "semen": SemenRules,
    "bone": BoneRules,
    "mood": MoodRules,
    "fluid": FluidRules,
}
