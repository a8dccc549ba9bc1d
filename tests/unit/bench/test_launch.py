"""The figures of the launch benchmark: medians of both sides, their ratio, and of outbound requests the worst."""

from __future__ import annotations

from bench.launch import Launched, summarise

READS = ("Patient/1", "Condition?patient=1")


def _launched(redirect: float, page: float, *, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Launched:
    return Launched(redirect, page, before, after, READS)


def test_the_ratio_is_of_medians_and_every_target_has_its_figure() -> None:
    token = ("/auth/token",)
    ours = [_launched(5.0, page, after=token) for page in (95.0, 115.0, 995.0)]
    report = summarise(ours, [100.0, 90.0, 800.0])
    assert report.figures["overhead_ratio"] == 1.2
    assert (report.figures["ours_ms"], report.figures["bare_ms"]) == (120.0, 100.0)
    assert (report.figures["launches"], report.figures["bare_launches"], report.figures["chart_reads"]) == (3, 3, 2)
    assert report.short == []


def test_one_launch_that_asked_too_much_falls_short() -> None:
    calm = _launched(5.0, 95.0, after=("/auth/token",))
    asking = _launched(
        5.0, 95.0, before=("/fhir/.well-known/smart-configuration",), after=("/auth/token", "/auth/jwks")
    )
    report = summarise([calm, calm, asking], [100.0])
    assert report.figures["outbound_before_redirect_warm"] == 1
    assert report.figures["outbound_after_callback_warm"] == 2
    assert report.short == ["outbound_before_redirect_warm", "outbound_after_callback_warm"]


def test_a_slow_launch_falls_short() -> None:
    assert summarise([_launched(5.0, 130.0, after=("/auth/token",))], [100.0]).short == ["overhead_ratio"]
