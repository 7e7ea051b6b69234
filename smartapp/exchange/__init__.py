"""What went over the wire, without what may not be kept. Off unless a site asks for it."""

from smartapp.exchange.log import ExchangeLog
from smartapp.exchange.redaction import Redactor
from smartapp.exchange.tap import Tap
from smartapp.exchange.vocabulary import vocabulary

__all__ = ["ExchangeLog", "Redactor", "Tap", "vocabulary"]
