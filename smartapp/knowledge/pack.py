"""The whole pack: everything medicine says, read once, checked against itself, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from smartapp.errors import KnowledgeError
from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.knowledge.matrix import Row, load_matrix
from smartapp.knowledge.parameters import load_protocol, profile_names
from smartapp.knowledge.protocol import Protocol
from smartapp.knowledge.regimens import Regimen, load_regimens
from smartapp.knowledge.rules import Rule, Source, load_rules, load_sources
from smartapp.knowledge.schedule import Check, load_schedule
from smartapp.knowledge.severity import FindingKind, load_findings
from smartapp.knowledge.wording import Wording, load_wording

PACK = Path(__file__).parent
OWN_PAGE = "https://hpg-recalibration.example/rules"
PROFILES = profile_names(PACK / "protocol.toml")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One profile of one version. `rules` holds the matrix rows too, as R-CI-…"""

    catalogue: Catalogue
    protocol: Protocol
    rules: Mapping[str, Rule]
    findings: Mapping[str, FindingKind]
    matrix: tuple[Row, ...]
    regimens: Mapping[str, Regimen]
    citations: Mapping[str, Source]
    wording: Wording
    schedule: tuple[Check, ...] = ()


def load(
    profile: str | None = None,
    site_file: Path | None = None,
    *,
    pack: Path = PACK,
    protocol_file: Path | None = None,
    rule_page: str | None = None,
) -> Knowledge:
    """The knowledge of `profile` (aua, es, eau, bssm; default aua) with a site's file laid over.

    `protocol_file` stands in for the pack's own, such as one of another version.
    What rests on our own defaults cites our rule page: `rule_page` is where a deployment shows it.

    Refuses (KnowledgeError, naming file, key and reason) whatever does not fit together: a rule
    without a source, words without a rule, an unknown concept, analyte or drug, a missing or
    unknown parameter.
    """
    catalogue = load_catalogue()
    protocol = load_protocol(protocol_file or pack / "protocol.toml", profile, site_file)
    sources = load_sources(pack / "citations.toml")
    if rule_page is not None:
        sources = {key: _shown_at(source, rule_page) for key, source in sources.items()}
    for parameter in protocol.parameters.values():
        if parameter.source not in sources:
            raise KnowledgeError(
                f"protocol.toml: {parameter.key}.source: "
                f"{parameter.source!r} is not in citations.toml"
            )
    findings = load_findings(pack / "findings.toml")
    matrix = load_matrix(pack / "matrix.toml", catalogue, protocol, sources)
    wording = load_wording(pack / "wording")
    rules = dict(load_rules(pack / "rules.toml", sources, frozenset(findings), protocol.parameters))
    rules.update(_row_rules(matrix, wording, findings))
    _check_codes(findings, rules, wording)
    return Knowledge(
        catalogue,
        protocol,
        rules,
        findings,
        matrix,
        load_regimens(pack / "regimens.toml", sources, frozenset(catalogue.drugs)),
        sources,
        wording,
        load_schedule(
            pack / "schedule.toml",
            frozenset(catalogue.analytes),
            frozenset(catalogue.conditions),
        ),
    )


def _shown_at(source: Source, rule_page: str) -> Source:
    return replace(source, url=source.url.replace(OWN_PAGE, rule_page))


def _row_rules(
    matrix: tuple[Row, ...], wording: Wording, findings: Mapping[str, FindingKind]
) -> dict[str, Rule]:
    rules = {}
    for row in matrix:
        if row.key not in wording.phrases.get("row", {}):
            raise KnowledgeError(f"matrix.toml: {row.key}: has no words under [row] in en.toml")
        if row.spoken_by is not None and row.spoken_by not in findings:
            raise KnowledgeError(f"matrix.toml: {row.key}.spoken-by: is not a finding code")
        if row.refer is not None and row.refer not in wording.phrases.get("refer", {}):
            raise KnowledgeError(f"matrix.toml: {row.key}.refer: has no words under [refer]")
        codes = {"contraindication" if g == "A" else "precaution" for g in row.grades.values()}
        rules[row.rule] = Rule(
            row.rule,
            wording.say("row", row.key),
            "8",
            tuple(sorted(codes)),
            row.basis,
            row.mark,
            row.sources,
            row.parameters,
        )
    for key in wording.phrases.get("row", {}):
        if f"R-CI-{key}" not in rules:
            raise KnowledgeError(f"en.toml: row.{key}: is not a row of matrix.toml")
    return rules


def _check_codes(
    findings: Mapping[str, FindingKind], rules: Mapping[str, Rule], wording: Wording
) -> None:
    ruled = {code for rule in rules.values() for code in rule.codes}
    worded = {code for code, _ in wording.findings}
    for code in findings:
        if code not in ruled:
            raise KnowledgeError(f"findings.toml: {code}: no rule gives it")
        if code not in worded:
            raise KnowledgeError(f"findings.toml: {code}: has no words in en.toml")
    for code in worded - findings.keys():
        raise KnowledgeError(f"en.toml: finding.{code}: is not a finding code")
