"""Closed-form expressions from data and from trained neural networks."""

from __future__ import annotations

from importlib import import_module

# The module of every public name, imported when the name is first asked for; __init__.pyi has them
# for type checkers.
_MODULES = {
    name: module
    for module, names in {
        "errors": "InputError OutsideWarning",
        "formulas.constants": "Constant Constants",
        "formulas.domain": "Domain",
        "formulas.formula": "Formula",
        "formulas.front": "Front",
        "formulas.grouped": "GroupedFormula",
        "formulas.merging": "Merging",
        "formulas.scoring": "Score score",
        "info": "build_info get_cmake_dir get_include",
        "neurons.network": "Network network",
        "neurons.unit_gradients": "UnitGradients",
        "pipelines.discovery": "discover",
        "pipelines.held_out": "Errors",
        "pipelines.hybrid": "hybrid",
        "pipelines.interpretation": "interpret",
        "pipelines.latent_space": "LatentSpace",
        "pipelines.monotone_link": "MonotoneLink",
        "pipelines.neuron_verdict": "Fidelity NeuronVerdict",
        "pipelines.provenance": "Provenance",
        "pipelines.results": "Discovery Interpretation",
        "pipelines.systems": "System discover_system",
        "pipelines.verdict": "Verdict",
        "searches.api": "search",
        "searches.noise_plan": "NoisePlan",
        "searches.progress": "Progress",
        "sklearn": "ClosedFormClassifier ClosedFormRegressor",
        "surrogates.model": "Surrogate",
        "surrogates.separability": "Leaf Product Separability Sum separability",
        "surrogates.similarity": "Similarity",
    }.items()
    for name in names.split()
}


__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = import_module("closedform.info").build_info()["version"]
    elif name in _MODULES:
        value = getattr(import_module(f"closedform.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module 'closedform' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
