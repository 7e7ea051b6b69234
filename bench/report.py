"""Figures of the bench: medians over rounds, and each as a ratio to the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.load import Round


@dataclass(frozen=True, slots=True)
class Figures:
    """One server in one setting."""

    name: str
    cpu_ms: float
    p50: float
    p95: float
    p99: float
    per_second: float


def figures(name: str, rounds: Sequence[Round]) -> Figures:
    """CPU over all calls, throughput as the median over rounds, percentiles over all calls."""
    latencies = sorted(latency for one in rounds for latency in one.latencies)
    return Figures(
        name,
        # Kernels that count in ticks of 10 ms need the whole run to tell anything.
        sum(one.cpu_ms * one.requests for one in rounds) / sum(one.requests for one in rounds),
        _percentile(latencies, 0.50),
        _percentile(latencies, 0.95),
        _percentile(latencies, 0.99),
        median(one.requests / one.seconds for one in rounds),
    )


def table(title: str, rows: Sequence[Figures]) -> str:
    """A table in text; ratios are to the first row, the floor."""
    floor = rows[0]
    lines = [
        title,
        f"{'':28}{'CPU ms':>9}{'ratio':>7}{'p50 ms':>9}{'ratio':>7}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'p99/p50':>9}{'req/s':>9}{'ratio':>7}",
    ]
    lines += [
        f"{r.name:28}{r.cpu_ms:9.3f}{r.cpu_ms / floor.cpu_ms:7.2f}{r.p50:9.2f}"
        f"{r.p50 / floor.p50:7.2f}{r.p95:9.2f}{r.p99:9.2f}{r.p99 / r.p50:9.2f}"
        f"{r.per_second:9.0f}{r.per_second / floor.per_second:7.2f}"
        for r in rows
    ]
    return "\n".join(lines)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
