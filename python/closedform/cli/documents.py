"""Results as JSON documents."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from closedform import _core

if TYPE_CHECKING:
    from closedform.formulas.formula import Formula
    from closedform.pipelines.provenance import Provenance
    from closedform.pipelines.results import Discovery, Interpretation


def discovery_document(discovery: Discovery, options: argparse.Namespace) -> dict[str, Any]:
    structure = discovery.separability
    return {
        "target": options.target,
        "formula": _formula(discovery.formula),
        "verdict": {
            key: _finite(value) if isinstance(value, float) else value
            for key, value in asdict(discovery.verdict).items()
        },
        "noise": {"kind": discovery.noise.main.kind, "reason": discovery.noise.reason},
        "outliers": list(discovery.outliers),
        "rivals": [str(formula) for formula in discovery.front.rivals],
        "front": [_formula(formula) for formula in discovery.front],
        "errors": {
            way: None if errors is None else {k: _finite(v) for k, v in asdict(errors).items()}
            for way, errors in discovery.errors.items()
        },
        "chosen": discovery.chosen,
        "strategy": discovery.strategy,
        "separability": None if structure is None else str(structure),
        "reason": None if structure is None else structure.reason,
        "similarity": None if discovery.similarity is None else str(discovery.similarity),
        "stopped": discovery.stopped,
        "provenance": _origin(discovery.provenance),
        "seed": options.seed,
        "version": _core.build_info()["version"],
    }


def interpretation_document(found: Interpretation, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "neuron": found.network,
        "formula": _formula(found.formula),
        "front": [_formula(formula) for formula in found.front],
        "link": None if found.link.formula is None else _formula(found.link.formula),
        "extrema": list(found.link.extrema),
        "threshold": found.threshold,
        "level_set": None
        if found.level_set is None
        else [[_finite(low), _finite(high)] for low, high in found.level_set],
        "verdict": {
            "kind": found.verdict.kind,
            "loss": _finite(found.verdict.loss),
            "reached": _finite(found.verdict.reached),
            "noise": found.verdict.noise,
            "rivals": [_formula(rival) for rival in found.verdict.rivals],
        },
        "fidelity": {
            key: None if value is None else _finite(value)
            for key, value in asdict(found.fidelity).items()
        },
        "symmetries": None
        if found.symmetries is None
        else [str(merge) for merge in found.symmetries.merges],
        "rows": {
            "searched": len(found.gradients.X),
            "sampled": found.gradients.extra,
            "dropped": found.gradients.dropped,
        },
        "stopped": found.stopped,
        "provenance": _origin(found.provenance),
        "seed": options.seed,
        "version": _core.build_info()["version"],
    }


def _origin(provenance: Provenance) -> dict[str, Any]:
    found = {name: _plain(getattr(provenance, name)) for name in provenance.__dataclass_fields__}
    return {**found, "begun": provenance.begun.isoformat()}


def _plain(value: object) -> Any:
    """As JSON has it; a text of what it has not."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return _finite(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _formula(formula: Formula) -> dict[str, Any]:
    return {
        "text": str(formula),
        "readable": formula.readable,
        "latex": formula.latex(),
        "complexity": formula.complexity,
        "loss": _finite(formula.loss),
        "names": list(formula.names),
        "constants": [
            {
                "value": constant.value,
                "standard_error": _finite(constant.standard_error),
                "interval": [_finite(end) for end in constant.interval],
                "fixed": constant.fixed,
                "text": str(constant),
                "unit": constant.unit,
                "physical": constant.physical or None,
            }
            for constant in formula.constants
        ],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None  # JSON knows no infinity
