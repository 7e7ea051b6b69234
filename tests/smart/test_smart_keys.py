"""The app's own keys: made, published, and rotated so that no server meets one it cannot know."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey
from smart_ehr import APP, Clock, House

from smartapp.errors import ClientKeyMissing, ConfigError
from smartapp.ledger.secrets import Vault
from smartapp.smart.keyring import KeyRing
from smartapp.smart.keys import ALGORITHMS, JWKS_MAX_AGE, LEAD, TRAIL, algorithm_for

SECRET = "k" * 40


def ring_in(home: Path, clock: Clock, secret: str = SECRET) -> KeyRing:
    return KeyRing(home, Vault((secret,)), clock)


@pytest.fixture
def ring(tmp_path: Path, clock: Clock) -> KeyRing:
    return ring_in(tmp_path, clock)


def published(ring: KeyRing) -> set[str]:
    return {key["kid"] for key in ring.published()["keys"]}


@pytest.mark.clause("B13.3")
@pytest.mark.clause("B13.4")
@pytest.mark.clause("Z10")
def test_the_published_set_has_what_a_server_needs_and_nothing_private(ring: KeyRing) -> None:
    ring.generate()
    keys = ring.published()["keys"]
    assert {(k["alg"], k["kty"]) for k in keys} == {("ES384", "EC"), ("RS384", "RSA")}
    for key in keys:
        assert key["use"] == "sig"
        assert key["key_ops"] == ["verify"]
        members = {"n", "e"} if key["kty"] == "RSA" else {"crv", "x", "y"}
        assert set(key) == {"kty", "kid", "alg", "use", "key_ops"} | members
        read = (RSAKey if key["kty"] == "RSA" else ECKey).import_key(key)
        assert read.thumbprint() == key["kid"]
        assert key.get("crv", "P-384") == "P-384"
    KeySet.import_key_set(ring.published())


@pytest.mark.clause("B13.1")
def test_private_keys_lie_sealed_in_files_for_the_owner_alone(
    ring: KeyRing, tmp_path: Path, clock: Clock
) -> None:
    pairs = ring.generate()
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 2
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"private" not in file.read_bytes()
        assert b'"d"' not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert "key=" not in repr(pairs[0])

    stranger = ring_in(tmp_path, clock, "x" * 40)
    assert stranger.published() == {"keys": []}
    assert set(stranger.unreadable()) == {pair.kid for pair in pairs}
    assert not stranger.complete()


def test_one_odd_file_hides_no_other(ring: KeyRing, tmp_path: Path, clock: Clock) -> None:
    kept, spoilt = ring.generate()
    (tmp_path / "keys" / f"{spoilt.kid}.key").write_bytes(b"\x01garbage")
    again = ring_in(tmp_path, clock)
    assert published(again) == {kept.kid}
    assert again.unreadable() == (spoilt.kid,)


def test_a_key_moved_to_another_name_is_not_believed(
    ring: KeyRing, tmp_path: Path, clock: Clock
) -> None:
    first, second = ring.generate()
    folder = tmp_path / "keys"
    (folder / f"{first.kid}.key").replace(folder / f"{second.kid}.key")
    assert ring_in(tmp_path, clock).unreadable() == (second.kid,)


@pytest.mark.clause("B13.9")
def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(
    ring: KeyRing, clock: Clock
) -> None:
    assert min(LEAD, TRAIL) >= JWKS_MAX_AGE, "a server may keep the set that long"
    old = {pair.alg: pair.kid for pair in ring.generate()}
    clock.pass_(days=90)
    new = {pair.alg: pair.kid for pair in ring.rotate()}

    def signs() -> dict[str, str]:
        return {alg: ring.signing(alg).kid for alg in ALGORITHMS}

    everyone = {*old.values(), *new.values()}
    assert signs() == old
    assert published(ring) == everyone
    clock.now += LEAD - timedelta(seconds=1)
    assert signs() == old
    clock.pass_(seconds=1)
    assert signs() == new
    assert published(ring) == everyone
    clock.now += TRAIL - timedelta(seconds=1)
    assert published(ring) == everyone
    clock.pass_(seconds=1)
    assert published(ring) == set(new.values())


def test_what_has_ended_is_deleted_by_the_next_rotation(
    ring: KeyRing, clock: Clock, tmp_path: Path
) -> None:
    first = {pair.kid for pair in ring.generate()}
    clock.pass_(days=1)
    ring.rotate()
    clock.now += LEAD + TRAIL
    ring.rotate()
    left = {path.stem for path in (tmp_path / "keys").iterdir()}
    assert len(left) == 4
    assert not left & first


def test_two_rotations_in_a_row_keep_every_key_a_server_may_still_meet(
    ring: KeyRing, clock: Clock
) -> None:
    first = ring.generate()[0]
    clock.pass_(hours=1)
    ring.rotate()
    clock.pass_(hours=1)
    ring.rotate()
    assert len(published(ring)) == 6
    assert ring.signing(first.alg).kid == first.kid


def test_a_key_others_may_know_is_gone_at_once(ring: KeyRing, clock: Clock) -> None:
    old = {pair.kid for pair in ring.generate()}
    clock.pass_(days=1)
    new = {pair.kid for pair in ring.rotate(at_once=True)}
    assert published(ring) == new
    assert {ring.signing(alg).kid for alg in ALGORITHMS} == new
    assert not old & new


def test_every_worker_sees_what_another_made(ring: KeyRing, tmp_path: Path, clock: Clock) -> None:
    other = ring_in(tmp_path, clock)
    with pytest.raises(ClientKeyMissing):
        other.signing("ES384")
    made = ring.generate()
    assert published(other) == {pair.kid for pair in made}
    ring.rotate(at_once=True)
    assert other.signing("RS384").kid == ring.signing("RS384").kid


def test_a_clock_that_is_behind_still_finds_the_only_key(ring: KeyRing, clock: Clock) -> None:
    ring.generate()
    clock.pass_(seconds=-90)
    assert ring.complete()


def test_generate_does_not_replace_and_rotate_does_not_begin(ring: KeyRing) -> None:
    with pytest.raises(ConfigError, match="keys generate"):
        ring.rotate()
    ring.generate()
    with pytest.raises(ConfigError, match="keys rotate"):
        ring.generate()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "keys").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="keys: cannot be read"):
        ring_in(tmp_path, clock).generate()
    assert not ring_in(tmp_path, clock).complete()


@pytest.mark.clause("B13.10")
def test_the_algorithm_is_one_the_server_takes() -> None:
    assert algorithm_for([], None) == "RS384", "a server that says nothing"
    assert algorithm_for(["RS384"], None) == "RS384"
    assert algorithm_for(["RS256", "ES384", "RS384"], None) == "ES384"
    assert algorithm_for(["RS384"], "ES384") == "ES384", "the site knows better"
    with pytest.raises(ClientKeyMissing, match="neither"):
        algorithm_for(["RS256", "none"], None)


@pytest.mark.clause("B13.2")
def test_the_key_set_is_open_and_says_how_long_it_may_be_kept(house: House) -> None:
    client = house.app.test_client()
    empty = client.get("/.well-known/jwks.json", base_url=APP)
    assert (empty.status_code, empty.get_json()) == (200, {"keys": []})
    house.sessions.clients.ring.generate()
    answer = client.get("/.well-known/jwks.json", base_url=APP)
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers
    assert answer.get_json() == house.sessions.clients.ring.published()
    same = client.get(
        "/.well-known/jwks.json", base_url=APP, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert same.status_code == 304
    assert client.head("/.well-known/jwks.json", base_url=APP).status_code == 200
    assert client.post("/.well-known/jwks.json", base_url=APP).status_code == 405
