"""The authorize endpoint refuses what a real EHR refuses (SMART App Launch 2.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from demo_sandbox import ORIGIN, REDIRECT, Ehr, location

from smartapp.demo.oauth.records import Context


def test_a_right_launch_goes_straight_through(ehr: Ehr) -> None:
    answer = ehr.authorize()
    assert set(location(answer)) == {"code", "state"}
    assert location(ehr.authorize())["state"] == "st-1"


def test_authorize_can_be_posted(ehr: Ehr) -> None:
    good = ehr.authorize()
    form = good.request.args.to_dict() | {"launch": ehr.launch()}
    answer = ehr.client().post("/oauth2/authorize", data=form, base_url=ORIGIN)
    assert "code" in location(answer)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"aud": None}, "invalid_request"),
        ({"aud": f"{ORIGIN}/fhir/"}, "invalid_request"),
        ({"aud": "http://127.0.0.1:5001/fhir"}, "invalid_request"),
        ({"aud": f"{ORIGIN}/FHIR"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"launch": "never-issued"}, "invalid_request"),
        ({"launch": None}, "invalid_request"),
        ({"scope": "openid patient/Patient.rs"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "nothing known"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_wrong_request_goes_back_with_its_error(
    ehr: Ehr, wrong: dict[str, str | None], error: str
) -> None:
    answer = location(ehr.authorize(**wrong))
    assert answer["error"] == error
    assert "code" not in answer
    if "state" not in wrong:
        assert answer["state"] == "st-1"


@pytest.mark.parametrize(
    "challenge",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 64},
    ],
)
@pytest.mark.parametrize("client", ["public", "secret"])
def test_pkce_s256_is_demanded_of_every_client(
    ehr: Ehr, client: str, challenge: dict[str, str | None]
) -> None:
    answer = location(ehr.authorize(client_id=client, **challenge))
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT + "?a=1"},
        {"redirect_uri": REDIRECT.replace("127.0.0.1", "localhost")},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": None},
        {"client_id": "stranger"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/é\"'"},
        {"redirect_uri": "https://evil.example/", "response_type": 'tök"en'},
    ],
)
def test_nobody_is_redirected_to_an_address_that_is_not_registered(
    ehr: Ehr, wrong: dict[str, str | None]
) -> None:
    answer = ehr.authorize(**wrong)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "The app was not authorized" in answer.text
    assert "evil.example" not in answer.text


def test_odd_characters_are_refused_not_crashed_on(ehr: Ehr) -> None:
    assert ehr.authorize(response_type='"').status_code in (302, 400)
    assert ehr.authorize(scope="launch é").status_code in (302, 400)


@pytest.mark.parametrize("name", ["aud", "launch", "code_challenge", "redirect_uri", "state"])
def test_a_parameter_given_twice_is_refused(ehr: Ehr, name: str) -> None:
    good = ehr.authorize()
    query = [(k, v) for k, v in good.request.args.items() if k != "launch"]
    query += [("launch", ehr.launch()), (name, "again")]
    answer = ehr.client().get("/oauth2/authorize", query_string=query, base_url=ORIGIN)
    refused = answer.status_code == 400 or location(answer).get("error") == "invalid_request"
    assert refused


def test_a_launch_is_used_once(ehr: Ehr) -> None:
    launch = ehr.launch()
    assert "code" in location(ehr.authorize(launch=launch))
    assert location(ehr.authorize(launch=launch))["error"] == "invalid_request"


def test_a_refused_request_leaves_the_launch_usable(ehr: Ehr) -> None:
    launch = ehr.launch()
    assert "error" in location(ehr.authorize(launch=launch, aud="wrong"))
    assert "code" in location(ehr.authorize(launch=launch))


def test_a_launch_is_short_lived(ehr: Ehr) -> None:
    launch = ehr.launch()
    ehr.clock.pass_seconds(ehr.config.behaviour.launch_seconds + 1)
    assert location(ehr.authorize(launch=launch))["error"] == "invalid_request"


def test_a_launch_belongs_to_the_user_who_made_it(ehr: Ehr) -> None:
    browser = ehr.client()
    browser.post(
        "/login",
        data={"user": "Practitioner/lindqvist"},
        headers={"Origin": ORIGIN},
        base_url=ORIGIN,
    )
    okafors = ehr.launch()
    assert location(ehr.authorize(browser, launch=okafors))["error"] == "access_denied"
    lindqvists = ehr.vault.new_launch(Context("Practitioner/lindqvist", "amos"))
    assert "code" in location(ehr.authorize(browser, launch=lindqvists))


class TestStandalone:
    """Without a launch the EHR asks for the patient, and only its own page may answer."""

    SCOPE = "launch/patient openid fhirUser patient/Observation.rs"

    def choose(self, ehr: Ehr, patient: str, origin: str = ORIGIN) -> object:
        asked = ehr.authorize(launch=None, scope=self.SCOPE)
        assert "Choose a patient" in asked.text
        form = asked.request.args.to_dict() | {"chosen_patient": patient}
        return ehr.client().post(
            "/oauth2/authorize", data=form, headers={"Origin": origin}, base_url=ORIGIN
        )

    def test_the_chosen_patient_is_in_context(self, ehr: Ehr) -> None:
        code = location(self.choose(ehr, "boris"))["code"]  # type: ignore[arg-type]
        assert ehr.token(code).json["patient"] == "boris"  # type: ignore[index]

    @pytest.mark.parametrize(
        ("patient", "origin"), [("boris", "https://evil.example"), ("nobody", ORIGIN)]
    )
    def test_another_page_cannot_choose(self, ehr: Ehr, patient: str, origin: str) -> None:
        answer = self.choose(ehr, patient, origin)
        assert "Choose a patient" in answer.text  # type: ignore[attr-defined]

    def test_user_scopes_need_no_patient(self, ehr: Ehr) -> None:
        code = location(ehr.authorize(launch=None, scope="openid user/Patient.rs"))["code"]
        assert "patient" not in (ehr.token(code).json or {})


def test_discovery_names_what_the_server_does(ehr: Ehr) -> None:
    answer = ehr.client().get("/fhir/.well-known/smart-configuration", base_url=ORIGIN)
    said = answer.json or {}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["issuer"] != f"{ORIGIN}/fhir", "as in real EHRs the issuer is not the FHIR base"
    openid = ehr.client().get(
        said["issuer"].removeprefix(ORIGIN) + "/.well-known/openid-configuration", base_url=ORIGIN
    )
    assert (openid.json or {})["issuer"] == said["issuer"]
    keys = ehr.client().get(said["jwks_uri"].removeprefix(ORIGIN), base_url=ORIGIN).json or {}
    assert {key["alg"] for key in keys["keys"]} == {"RS256", "ES384"}
    assert not any("d" in key for key in keys["keys"]), "no private member is published"


def test_two_threads_get_one_code_from_one_launch(
    ehr: Ehr, in_threads: Callable[..., list]
) -> None:  # type: ignore[type-arg]
    for _ in range(10):
        launch = ehr.launch()
        answers = in_threads(8, lambda launch=launch: location(ehr.authorize(launch=launch)))
        assert sum("code" in answer for answer in answers) == 1
