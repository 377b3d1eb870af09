"""Execution providers: there is one, which goes by the name that scripts ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import InvalidInputError
from .settings import warn

__all__ = [
    "PROVIDERS", "ProviderArgs", "check_providers", "get_all_providers", "get_available_providers",
    "get_device",
]  # fmt: skip

PROVIDERS = ("CPUExecutionProvider",)

ProviderArgs = Sequence[str | tuple[str, dict[Any, Any]]]


def get_available_providers() -> list[str]:
    """The providers that can be asked for."""
    return list(PROVIDERS)


def get_all_providers() -> list[str]:
    """The providers that there are."""
    return list(PROVIDERS)


def get_device() -> str:
    """'CPU'."""
    return "CPU"


def check_providers(
    providers: ProviderArgs | None, options: Sequence[dict[Any, Any]] | None = None
) -> None:
    """Take the CPU's provider, and warn about all others and about options of any.

    Raises InvalidInputError where the arguments are not of onnxruntime's forms.
    """
    if providers is None:
        providers = ()
    if isinstance(providers, str) or not isinstance(providers, Sequence):
        raise InvalidInputError(f"'providers' should be a list of names, not {providers!r}")
    if options is not None and len(options) != len(providers):
        raise InvalidInputError("'provider_options' should be as long as 'providers'")
    for i, given in enumerate(providers):
        name, own = given if isinstance(given, tuple) and len(given) == 2 else (given, {})
        if options is not None:
            own = options[i]
        if not isinstance(name, str) or not isinstance(own, dict):
            raise InvalidInputError(
                f"'providers' are names or pairs of a name and a dict of options, not {given!r}"
            )
        if name not in PROVIDERS:
            warn(f"provider '{name}' is not available; the model runs on the CPU", 4)
        elif own:
            warn(f"options of {name} have no effect: {own}", 4)
