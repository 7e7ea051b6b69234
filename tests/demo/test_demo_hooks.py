"""The chart's cards come from live calls to a CDS service over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import requests
from demo_sandbox import FHIR, ORIGIN, Ehr
from fake_cds import FakeCds
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from smartapp.demo import Behaviour


@pytest.fixture
def cds(serve_app: Callable[..., str]) -> FakeCds:
    fake = FakeCds()
    fake.address = serve_app(fake.app)
    return fake


@pytest.fixture
def ehr(make_ehr: Any, cds: FakeCds) -> Ehr:
    made: Ehr = make_ehr(app_base_url=cds.address, launch_url=f"{cds.address}/launch")
    return made


def get(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path, base_url=ORIGIN)
    assert answer.status_code == 200, answer.text
    return answer.text


def post(browser: FlaskClient, path: str, **form: Any) -> Any:
    return browser.post(
        path, data=form, headers={"Origin": ORIGIN}, base_url=ORIGIN, follow_redirects=True
    )


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's first card form."""
    names = ("cards", "card")
    return {n: re.search(rf'name="{n}" value="([^"]*)"', page).group(1) for n in names}  # type: ignore[union-attr]


def test_opening_a_chart_fires_patient_view(ehr: Ehr, cds: FakeCds) -> None:
    page = get(ehr.client(), "/chart/amos")
    assert "Testosterone is low" in page
    (call,) = cds.calls
    assert call["hook"] == "patient-view"
    assert call["fhirServer"] == FHIR
    assert call["context"] == {
        "userId": "Practitioner/okafor",
        "patientId": "amos",
        "encounterId": "visit-amos",
    }
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", call["hookInstance"])
    assert set(call["prefetch"]) == {"patient", "hormones", "gone"}
    assert call["prefetch"]["patient"]["id"] == "amos"
    assert call["prefetch"]["gone"] is None
    assert call["prefetch"]["hormones"]["total"] == 3


def test_the_call_carries_a_real_short_lived_token(ehr: Ehr, cds: FakeCds) -> None:
    seen: list[tuple[int, int]] = []

    def use_token(call: dict[str, Any]) -> None:
        token = call["fhirAuthorization"]["access_token"]
        mine = ehr.fhir("Observation?code=2986-8", token).status_code
        others = ehr.fhir("Patient/boris", token).status_code
        seen.append((mine, others))

    cds.on_call = use_token
    get(ehr.client(), "/chart/amos")
    assert seen == [(200, 403)]
    authorization = cds.calls[0]["fhirAuthorization"]
    assert authorization["token_type"] == "Bearer"
    assert authorization["patient"] == "amos"
    assert 0 < authorization["expires_in"] <= 300
    after = ehr.fhir("Patient/amos", authorization["access_token"])
    assert after.status_code == 401, "revoked when the call is over"


def test_every_call_is_signed_for_its_own_address(ehr: Ehr, cds: FakeCds) -> None:
    page = get(ehr.client(), "/chart/amos")
    post(ehr.client(), "/chart/amos/cards/override", **fields(page), comment="known")
    keys = KeySet.import_key_set(ehr.client().get("/oauth2/jwks.json", base_url=ORIGIN).json)
    audiences = []
    for bearer in cds.bearers:
        token = jwt.decode(bearer, keys, algorithms=["ES384"])
        assert token.header["typ"] == "JWT"
        assert token.header["jku"] == f"{ORIGIN}/oauth2/jwks.json"
        assert token.claims["iss"] == FHIR
        assert token.claims["exp"] - token.claims["iat"] <= 300
        audiences.append(token.claims["aud"])
    base = f"{cds.address}/cds-services"
    assert audiences == [base, f"{base}/view", f"{base}/view/feedback"]
    assert len(set(cds.bearers)) == len(cds.bearers)


def test_the_exchange_can_be_opened_without_its_token(ehr: Ehr, cds: FakeCds) -> None:
    page = get(ehr.client(), "/chart/amos")
    assert "Request and response" in page
    assert "hookInstance" in page
    assert "(hidden)" in page
    assert cds.calls[0]["fhirAuthorization"]["access_token"] not in page


def test_markdown_is_rendered_and_html_is_not(ehr: Ehr, cds: FakeCds) -> None:
    cds.card["detail"] = (
        "**LH** 2 <img src=x onerror=alert(1)> [bad](javascript:alert(1)) ![i](http://x.test/y)"
    )
    page = get(ehr.client(), "/chart/amos")
    assert "<strong>LH</strong>" in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "<script" not in page


def test_a_card_that_breaks_the_standard_is_said_not_guessed(ehr: Ehr, cds: FakeCds) -> None:
    cds.card["indicator"] = "hard-stop"
    page = get(ehr.client(), "/chart/amos")
    assert "breaks the standard" in page
    assert 'data-testid="card"' not in page


def test_overriding_sends_the_reason_back(ehr: Ehr, cds: FakeCds) -> None:
    browser = ehr.client()
    page = get(browser, "/chart/amos")
    answer = post(
        browser,
        "/chart/amos/cards/override",
        **fields(page),
        reason="patient-declines",
        comment="  asked twice ",
    )
    assert "Overridden: Patient declines. Feedback sent." in answer.text
    assert len(cds.calls) == 1, "the same firing is shown, not a new one"
    (item,) = cds.feedback[0]["feedback"]
    assert item["card"] == cds.card["uuid"]
    assert item["outcome"] == "overridden"
    assert item["overrideReason"] == {
        "reason": {
            "code": "patient-declines",
            "system": "http://example.test/reasons",
            "display": "Patient declines",
        },
        "userComment": "asked twice",
    }
    assert datetime.fromisoformat(item["outcomeTimestamp"]).tzinfo is not None


def test_an_override_needs_no_reason_unless_the_card_is_critical(ehr: Ehr, cds: FakeCds) -> None:
    page = get(ehr.client(), "/chart/amos")
    post(ehr.client(), "/chart/amos/cards/override", **fields(page))
    assert "overrideReason" not in cds.feedback[0]["feedback"][0]
    cds.card["indicator"] = "critical"
    page = get(ehr.client(), "/chart/amos")
    answer = post(ehr.client(), "/chart/amos/cards/override", **fields(page))
    assert "only with a reason" in answer.text
    assert len(cds.feedback) == 1


def test_accepting_puts_the_order_on_the_pad(ehr: Ehr, cds: FakeCds) -> None:
    browser = ehr.client()
    page = get(browser, "/chart/amos")
    answer = post(browser, "/chart/amos/cards/accept", **fields(page), suggestion="0")
    assert "Added to the order pad: Repeat testosterone. Feedback sent." in answer.text
    (item,) = cds.feedback[0]["feedback"]
    assert item["outcome"] == "accepted"
    assert item["acceptedSuggestions"] == [{"id": cds.card["suggestions"][0]["uuid"]}]
    assert "Repeat testosterone" in get(browser, "/chart/amos/orders")


@pytest.mark.parametrize("suggestion", ["7", "-1", "x", ""])
def test_a_suggestion_that_is_not_there_changes_nothing(
    ehr: Ehr, cds: FakeCds, suggestion: str
) -> None:
    page = get(ehr.client(), "/chart/amos")
    answer = post(ehr.client(), "/chart/amos/cards/accept", **fields(page), suggestion=suggestion)
    assert "nothing was changed" in answer.text
    assert cds.feedback == []


def test_a_suggested_order_for_another_man_is_not_taken(ehr: Ehr, cds: FakeCds) -> None:
    order = cds.card["suggestions"][0]["actions"][0]["resource"]
    order["subject"]["reference"] = "Patient/boris"
    page = get(ehr.client(), "/chart/amos")
    answer = post(ehr.client(), "/chart/amos/cards/accept", **fields(page), suggestion="0")
    assert "nothing was changed" in answer.text


def test_one_mans_cards_cannot_be_answered_in_anothers_chart(ehr: Ehr) -> None:
    page = get(ehr.client(), "/chart/amos")
    answer = post(ehr.client(), "/chart/boris/cards/override", **fields(page))
    assert answer.status_code == 410


def test_a_smart_link_launches_with_its_app_context(ehr: Ehr, cds: FakeCds) -> None:
    browser = ehr.client()
    page = get(browser, "/chart/amos")
    link = re.search(r'data-testid="smart-link" href="([^"]+)"', page)
    assert link is not None
    framed = get(browser, link[1].replace("&amp;", "&"))
    launch = re.search(r"launch=([^\"&]+)\"", framed)
    assert launch is not None
    assert f'src="{cds.address}/launch?iss=' in framed
    token = ehr.tokens(launch=launch[1])
    assert token["appContext"] == '{"finding":"f1"}'
    assert token["patient"] == "amos"
    assert token["encounter"] == "visit-amos"


def test_links_to_strangers_are_not_followed(ehr: Ehr, cds: FakeCds) -> None:
    cds.card["links"] = [
        {"label": "Other app", "type": "smart", "url": "https://evil.example/launch"},
        {"label": "Script", "type": "absolute", "url": "javascript:alert(1)"},
        {"label": "Guideline", "type": "absolute", "url": "https://guideline.example/"},
    ]
    page = get(ehr.client(), "/chart/amos")
    assert "evil.example" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)
    assert page.count("link not allowed here") == 2
    assert 'href="https://guideline.example/"' in page


class TestWhenTheServiceFails:
    """The chart stays; it says that advice is missing, and why."""

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (("oops", 500), "answered 500"),
            (("", 401), "answered 401"),
            (("<html>", 200), "did not answer in JSON"),
            (("[]", 200), "did not answer in JSON"),
            (("", 412), "answered 412"),
        ],
    )
    def test_a_wrong_answer(
        self, ehr: Ehr, cds: FakeCds, answer: tuple[str, int], said: str
    ) -> None:
        cds.instead = answer
        page = get(ehr.client(), "/chart/amos")
        assert said in page
        assert "lisinopril" in page

    def test_nobody_there(self, make_ehr: Any, free_port: int) -> None:
        ehr = make_ehr(app_base_url=f"http://127.0.0.1:{free_port}")
        page = get(ehr.client(), "/chart/amos")
        assert "could not be reached" in page

    def test_too_slow(self, ehr: Ehr, monkeypatch: pytest.MonkeyPatch) -> None:
        def slow(*_: Any, **__: Any) -> None:
            raise requests.ReadTimeout

        monkeypatch.setattr(requests.Session, "request", slow)
        assert "did not answer in time" in get(ehr.client(), "/chart/amos")

    def test_feedback_refused(self, ehr: Ehr, cds: FakeCds) -> None:
        page = get(ehr.client(), "/chart/amos")
        cds.instead = ("", 503)
        answer = post(ehr.client(), "/chart/amos/cards/override", **fields(page), comment="x")
        assert "The feedback was answered with 503." in answer.text


def test_services_without_templates_or_token_are_called_bare(make_ehr: Any, cds: FakeCds) -> None:
    ehr = make_ehr(
        app_base_url=cds.address,
        behaviour=Behaviour(prefetch=False, fhir_authorization=False),
    )
    get(ehr.client(), "/chart/amos")
    assert "prefetch" not in cds.calls[0]
    assert "fhirAuthorization" not in cds.calls[0]
