"""The console script. Exit codes: 0 done, 1 a named error condition, 2 wrong usage or input.

Rooms are imported inside the commands: `smartapp --help` starts fast, and `assess` needs no
server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from smartapp import __version__
from smartapp.errors import (
    AssessmentError,
    ConfigError,
    InputError,
    KnowledgeError,
    SmartAppError,
)

if TYPE_CHECKING:
    from msgspec import Raw

    from smartapp.engine.assessment import Assessment
    from smartapp.fhir.model import Gap, Resources
    from smartapp.knowledge import Knowledge
    from smartapp.patient.record import DraftOrder
    from smartapp.settings import Settings
    from smartapp.smart.keyring import KeyRing
    from smartapp.smart.keys import KeyPair

PROFILES = ("aua", "es", "eau", "bssm")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="smartapp")
def cli() -> None:
    """HPG Recalibration Monitor: SMART on FHIR app and CDS Hooks service."""


def main() -> None:
    """Run the console script: one clear line on standard error instead of a traceback."""
    try:
        result = cli.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _complain(error.format_message())
        sys.exit(2)
    except SmartAppError as error:
        _complain(error.public)
        sys.exit(2 if isinstance(error, InputError | ConfigError | KnowledgeError) else 1)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); there is nobody to tell.
        sys.stderr.close()
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _complain(text: str) -> None:
    click.echo(f"smartapp: {' '.join(text.split())}", err=True)


# --- assess -----------------------------------------------------------------------------------


@cli.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--as-of", metavar="DATETIME", help="Judge as of this moment (default: now).")
@click.option("--profile", type=click.Choice(PROFILES), help="Guideline profile (default: aua).")
@click.option("--order", metavar="FILE", help="A draft order, or a Bundle of drafts.")
@click.option("--timezone", metavar="TZ", help="Zone of times sent in UTC, e.g. Europe/Madrid.")
@click.option("--protocol", metavar="FILE", type=click.Path(path_type=Path), help="Site overrides.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(("text", "json", "cards")),
    default="text",
    show_default=True,
)
@click.option("--ndjson", is_flag=True, help="One Bundle a line in, one assessment a line out.")
def assess(
    files: tuple[str, ...],
    as_of: str | None,
    profile: str | None,
    order: str | None,
    timezone: str | None,
    protocol: Path | None,
    shape: str,
    ndjson: bool,
) -> int:
    """Run the engine on FHIR Bundles, without any server. `-` is standard input."""
    from smartapp.knowledge import load

    knowledge = load(profile, protocol)
    zone = _zone(timezone)
    moment = _moment(as_of, zone)
    drafts = _Drafts.read(order, knowledge)
    run = _Run(knowledge, moment, timezone, drafts, _writer(shape, ndjson, knowledge, drafts))
    if ndjson:
        return run.lines(files)
    return run.one_man(files)


@dataclass(frozen=True, slots=True)
class _Drafts:
    """The drafts of `--order`, as received and as read."""

    rows: tuple[Raw | bytes, ...] = ()
    orders: tuple[DraftOrder, ...] = ()

    @classmethod
    def read(cls, file: str | None, knowledge: Knowledge) -> _Drafts:
        if file is None:
            return cls()
        from smartapp.fhir.reading import draft_rows
        from smartapp.patient import read_drafts

        with _reading(file) as stream:
            body = stream.read()
        try:
            rows = draft_rows(body)
            return cls(rows, tuple(read_drafts(rows, knowledge.catalogue, focus=None)))
        except InputError as error:
            raise InputError(f"{file}: {error.public}") from None


Writer = Callable[["Assessment", Sequence["Gap"]], bytes]


def _writer(shape: str, one_line: bool, knowledge: Knowledge, drafts: _Drafts) -> Writer:
    """What an answer is written as. A line of NDJSON is never text."""
    if shape == "cards":
        from smartapp.cds.offline import cards_writer
        from smartapp.settings import Settings

        return cards_writer(knowledge, Settings().url("/launch"), drafts.orders, drafts.rows)
    if shape == "json" or one_line:
        from smartapp.engine import to_json

        return lambda assessment, _gaps: to_json(assessment)
    from smartapp.dashboard.text import as_text

    return lambda assessment, _gaps: as_text(assessment, knowledge.catalogue).encode()


@dataclass(frozen=True, slots=True)
class _Run:
    """The settings of one `assess` call, and the two ways through it."""

    knowledge: Knowledge
    moment: datetime
    timezone: str | None
    drafts: _Drafts
    write: Writer

    def one_man(self, files: Sequence[str]) -> int:
        from smartapp.fhir.model import Resources
        from smartapp.fhir.reading import read_bundle

        resources = Resources()
        for file in files:
            with _reading(file) as stream:
                body = stream.read()
            try:
                read_bundle(body, resources)
            except InputError as error:
                raise InputError(f"{file}: {error.public}") from None
        try:
            answer = self._answer(resources)
        except AssessmentError as error:
            _complain(error.public)
            return 1
        sys.stdout.buffer.write(answer + b"\n")
        return 0

    def lines(self, files: Sequence[str]) -> int:
        import msgspec

        from smartapp.fhir.reading import read_bundle

        failed = False
        for number, line in enumerate(_all_lines(files), start=1):
            try:
                answer = self._answer(read_bundle(line))
            except SmartAppError as error:
                failed = True
                problem = {"code": type(error).__name__, "message": error.public}
                answer = msgspec.json.encode({"line": number, "error": problem})
            sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()
        return 1 if failed else 0

    def _answer(self, resources: Resources) -> bytes:
        from smartapp.engine import assess as judge
        from smartapp.patient import read_record

        record = read_record(resources, self.knowledge.catalogue, issuer="", timezone=self.timezone)
        return self.write(
            judge(record, self.knowledge, self.moment, self.drafts.orders), record.gaps
        )


def _reading(file: str) -> BinaryIO:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or 'cannot be read'}") from None


def _all_lines(files: Sequence[str]) -> Iterator[bytes]:
    for file in files:
        with _reading(file) as stream:
            yield from (line.rstrip(b"\r\n") for line in stream)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.UsageError(f"--timezone {name!r} is not a known time zone") from None


def _moment(text: str | None, zone: ZoneInfo | None) -> datetime:
    """The as-of moment: a bare date means the end of that day in the given zone (else UTC)."""
    if text is None:
        return datetime.now(UTC)
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(23, 59, 59), zone or UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--as-of {text!r} is not an ISO date or date-time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC)


# --- stories ----------------------------------------------------------------------------------


@cli.command()
@click.option("--as-of", metavar="DATETIME", help="Count all dates from this day (default: today).")
@click.option(
    "--format",
    "shape",
    type=click.Choice(("transaction", "ndjson")),
    default="transaction",
    show_default=True,
    help="One transaction of everything, or one of each patient, one a line.",
)
@click.option("--delete", is_flag=True, help="The transaction that takes the same patients out.")
def stories(as_of: str | None, shape: str, delete: bool) -> int:
    """Print the fixture patients as a FHIR transaction, to load into any sandbox."""
    from smartapp.stories import load_practitioners, load_stories, wire
    from smartapp.stories.transaction import deleting, loadable, once, putting

    anchor = datetime.now(UTC).astimezone() if as_of is None else _moment(as_of, None)
    load = loadable(load_stories(anchor.date()), load_practitioners())
    for row in load.left_out:
        _complain(f"left out: {row.reference} {row.reason}")
    groups = [once(load.groups)] if shape == "transaction" else load.groups
    bundle = deleting if delete else putting
    for group in groups:
        click.echo(wire.encode(bundle(group)))
    return 0


# --- servers ----------------------------------------------------------------------------------


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
def serve(host: str, port: int, workers: int) -> int:
    """Run the production server, with settings from the environment."""
    from smartapp.serve import serve as run

    _refuse_busy(host, port, "--port")
    run(host, port, workers)
    return 0


@cli.command()
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--ehr-port", default=5001, show_default=True, type=click.IntRange(1, 65535))
@click.option("--no-browser", is_flag=True, help="Only print the addresses.")
@click.option("--base-path", default="", help="Serve the app under this path, e.g. /hpg.")
@click.option("--vendor", default="generic", show_default=True, help="The kind of EHR played.")
@click.option("--empty", is_flag=True, help="The EHR holds no patients yet (see `stories`).")
def demo(
    port: int, ehr_port: int, no_browser: bool, base_path: str, vendor: str, empty: bool
) -> int:
    """Start the app and a sandbox EHR with story patients, on this machine only.

    VENDOR is generic, epic, oracle, athena, meditech, medplum, smart-launcher, hapi, smart-1 or
    awkward: the EHR then deviates as that kind does.
    """
    from smartapp.serve import demo as run

    _refuse_busy("127.0.0.1", port, "--port")
    _refuse_busy("127.0.0.1", ehr_port, "--ehr-port")
    run(
        port,
        ehr_port,
        open_browser=not no_browser,
        base_path=base_path,
        vendor=vendor,
        empty=empty,
    )
    return 0


def _refuse_busy(host: str, port: int, option: str) -> None:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.UsageError(
                f"port {port} on {host} cannot be used ({error.strerror}); choose another with "
                f"{option}"
            ) from None


# --- ledger and knowledge ---------------------------------------------------------------------


@cli.group()
def audit() -> None:
    """The audit chain."""


@audit.command()
def verify() -> int:
    """Check the audit chain; name the first broken link."""
    from smartapp.ledger import open_ledger
    from smartapp.ledger.audit import verify as check
    from smartapp.settings import from_environ

    ledger = open_ledger(from_environ())
    try:
        report = check(ledger)
    finally:
        ledger.close()
    if report.broken is not None:
        click.echo(f"broken at row {report.broken.seq}: {report.broken.reason}")
        return 1
    click.echo(f"whole: {report.count} rows, {report.first} to {report.last}, head {report.head}")
    return 0


# --- doctor -----------------------------------------------------------------------------------


@cli.command()
@click.argument("issuer", metavar="ISSUER")
@click.option("--patient", metavar="ID", help="A test patient, on whose chart searches are tried.")
@click.option(
    "--format", "shape", type=click.Choice(("text", "json")), default="text", show_default=True
)
def doctor(issuer: str, patient: str | None, shape: str) -> int:
    """Check the FHIR server at ISSUER for this app; change nothing there.

    An EHR of SMARTAPP_ISSUERS_FILE is checked with what its table says. Exit code 1: something
    would keep the app from working.
    """
    from smartapp.doctor import Visit, as_json, as_text, examine
    from smartapp.knowledge import load
    from smartapp.settings import from_environ
    from smartapp.smart import Issuers, load_issuers

    # Secret keys are needed only where a key of ours is: an open server is examined without.
    settings = from_environ(demo=True)
    visit = Visit(
        base=issuer,
        catalogue=load(site_file=settings.protocol_file).catalogue,
        settings=settings,
        issuers=load_issuers(settings.issuers_file) if settings.issuers_file else Issuers(),
        clock=lambda: datetime.now(UTC),
        ring=_key_ring(settings) if settings.secret_keys else None,
        patient=patient,
    )
    report = examine(visit)
    click.echo(as_json(report) if shape == "json" else as_text(report))
    return 1 if report.failed else 0


# --- keys -------------------------------------------------------------------------------------


@cli.group()
def keys() -> None:
    """The key pairs with which this app signs in to EHRs (ES384 and RS384)."""


@keys.command("generate")
def generate_keys() -> int:
    """Make the first pairs, sealed in the home folder. EHRs read /.well-known/jwks.json."""
    return _tell_keys(_key_ring().generate())


@keys.command("list")
@click.option("--jwks", is_flag=True, help="The public keys as a JWK Set, for EHRs that want it.")
def list_keys(jwks: bool) -> int:
    """One line a pair: kid, algorithm, when it signs, when it ends."""
    import json

    ring = _key_ring()
    if jwks:
        click.echo(json.dumps(ring.published(), indent=2))
        return 0
    for kid in ring.unreadable():
        _complain(f"key {kid} cannot be opened with SMARTAPP_SECRET_KEYS")
    _tell_keys(ring.pairs())
    return 1 if ring.unreadable() else 0


@keys.command("rotate")
@click.option("--at-once", is_flag=True, help="A key may be known to others: delete the old now.")
def rotate_keys(at_once: bool) -> int:
    """Make new pairs; old ones stay published until every EHR has had time to read the new."""
    return _tell_keys(_key_ring().rotate(at_once=at_once))


def _key_ring(settings: Settings | None = None) -> KeyRing:
    from smartapp.ledger.secrets import Vault
    from smartapp.settings import from_environ
    from smartapp.smart.keyring import KeyRing

    settings = settings or from_environ()
    return KeyRing(settings.home_dir, Vault(settings.secret_keys), lambda: datetime.now(UTC))


def _tell_keys(pairs: Sequence[KeyPair]) -> int:
    for pair in pairs:
        signs = f"signs from {pair.signs_from:%Y-%m-%d %H:%M}Z"
        ends = f", published until {pair.ends:%Y-%m-%d %H:%M}Z" if pair.ends else ""
        click.echo(f"{pair.kid}  {pair.alg}  {signs}{ends}")
    return 0


# --- knowledge --------------------------------------------------------------------------------


@cli.group()
def rules() -> None:
    """The knowledge: every rule with source, version and evidence mark."""


@rules.command("list")
@click.option("--profile", type=click.Choice(PROFILES), help="Guideline profile (default: aua).")
@click.option("--site", metavar="FILE", help="A site's file of overrides to lay over it.")
def list_rules(profile: str | None, site: str | None) -> int:
    """One line a rule: id, mark, basis, title.

    Marks: V checked against a public source; unverified; DEFAULT our own, where no guideline
    decides; EXTRAP carried over from testosterone therapy; SITE set by the site.
    """
    from smartapp.knowledge import load
    from smartapp.knowledge.show import list_lines

    for line in list_lines(load(profile, Path(site) if site else None)):
        click.echo(line)
    return 0


@rules.command("show")
@click.argument("rule_id", metavar="ID")
@click.option("--profile", type=click.Choice(PROFILES), help="Guideline profile (default: aua).")
@click.option("--site", metavar="FILE", help="A site's file of overrides to lay over it.")
def show_rule(rule_id: str, profile: str | None, site: str | None) -> int:
    """Everything about one rule: what it says, its thresholds, sources and wording."""
    from smartapp.knowledge import load
    from smartapp.knowledge.show import rule_text

    knowledge = load(profile, Path(site) if site else None)
    rule = _rule(knowledge.rules, rule_id)
    click.echo(rule_text(rule, knowledge))
    return 0


@rules.command("impact")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--as-of", metavar="DATETIME", help="Judge as of this moment (default: now).")
@click.option("--timezone", metavar="TZ", help="Zone of times sent in UTC, e.g. Europe/Madrid.")
@click.option("--ndjson", is_flag=True, help="One Bundle a line.")
def impact(
    old: str,
    new: str,
    files: tuple[str, ...],
    as_of: str | None,
    timezone: str | None,
    ndjson: bool,
) -> int:
    """Show which findings change between two protocols, for the men in the files.

    OLD and NEW are each a profile, a site's file or a whole protocol file; each FILE is the
    Bundle of one man.
    """
    from smartapp.impact import Change, compare, protocol_named, report

    before, after = protocol_named(old), protocol_named(new)
    moment = _moment(as_of, _zone(timezone))
    bodies = _lines_named(files) if ndjson else _wholes_named(files)
    failed = False

    def changes() -> Iterator[Change]:
        nonlocal failed
        for where, body in bodies:
            try:
                yield compare(body, before, after, moment, timezone)
            except InputError as error:
                failed = True
                _complain(f"{where}: {error.public}")

    for line in report(changes(), before.protocol, after.protocol):
        click.echo(line)
    return 1 if failed else 0


def _wholes_named(files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        with _reading(file) as stream:
            yield file, stream.read()


def _lines_named(files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(_all_lines(files), start=1):
        yield f"line {number}", line


def _rule(rules_: Mapping[str, Any], rule_id: str) -> Any:
    try:
        return rules_[rule_id]
    except KeyError:
        raise click.UsageError(
            f"no rule {rule_id!r}; `smartapp rules list` names all {len(rules_)}"
        ) from None
