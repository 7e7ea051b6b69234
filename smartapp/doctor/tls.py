"""The certificate and TLS version of a host, as this app would meet them."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies

from smartapp.doctor.wire import Silence


@dataclass(frozen=True, slots=True)
class Tls:
    """What was agreed with one host, and until when its certificate is good."""

    host: str
    version: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Untrusted:
    """A host that answers, but not in a way that may be trusted."""

    host: str
    reason: str


def meet(url: str, timeout_s: float) -> Tls | Untrusted | Silence:
    """The TLS of the host of an https `url`, judged by the same authorities as every request."""
    if get_environ_proxies(url):
        return Silence("reached through a proxy; each request checks the certificate itself")
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout_s) as plain,
            _context(url).wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert() or {}
            ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            return Tls(host, secured.version() or "", datetime.fromtimestamp(ends, UTC))
    except ssl.SSLCertVerificationError as error:
        return Untrusted(host, error.verify_message)
    except ssl.SSLError as error:
        return Untrusted(host, (error.reason or "no agreement").lower().replace("_", " "))
    except (OSError, KeyError, ValueError):
        return Silence("no connection")


def _context(url: str) -> ssl.SSLContext:
    # What requests trusts (its own list, or what REQUESTS_CA_BUNDLE names) is not what Python does.
    session = requests.Session()
    trusted = session.merge_environment_settings(url, {}, None, None, None)["verify"]
    if not isinstance(trusted, str):
        trusted = DEFAULT_CA_BUNDLE_PATH
    if Path(trusted).is_dir():
        return ssl.create_default_context(capath=trusted)
    return ssl.create_default_context(cafile=trusted)
