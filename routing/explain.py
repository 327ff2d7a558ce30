"""A decision for people and for programs."""

from __future__ import annotations

from routing.model import RouteDecision


def explain(decision: RouteDecision) -> str:
    """The routes in order, then why, one a line."""
    lines = [
        f"{number}. {route.agency} lewat {route.trunk}"
        + (f" ke {route.target}" if route.target else "")
        for number, route in enumerate(decision.routes, 1)
    ]
    return "\n".join([*lines, "", *(f"- {r.text} [{r.rule_id}]" for r in decision.because)])


def to_json(decision: RouteDecision) -> dict[str, object]:
    """The ``explain`` object: routes, because, notify."""
    return {
        "routes": [
            {"agency": route.agency, "trunk": route.trunk, "target": route.target}
            for route in decision.routes
        ],
        "because": [{"rule_id": r.rule_id, "text": r.text} for r in decision.because],
        "notify": list(decision.notify),
    }
