"""Reads and runs bundles natively, as `web/load-bundle.js` does in the browser."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from wasmkiln.artifact import StepTable
from wasmkiln.bundle import Bundle
from wasmkiln.host.native import NativeHost

Array = np.ndarray[Any, Any]

HEAD = 8


@dataclass
class Plan:
    """A plan's words, taken apart."""

    address: int
    main: StepTable
    end: int
    threads: int
    places: list[tuple[int, tuple[int, ...]]]
    tables: list[int]


def decode(data: bytes) -> list[list[int]]:
    """The words of each plan in a file of plans."""
    numbers = _numbers(data)
    plans: list[list[int]] = []
    for count in numbers:
        length = next(numbers)
        first = [_signed(next(numbers)) for _ in range(length)]
        plans.append(first)
        if count == 1:
            continue
        kinds: list[int] = []
        ways = [[0] * (count - 1)]
        number = next(numbers)
        while number and len(kinds) < length:
            kinds += [next(numbers)] * next(numbers)
        changes = _changes(numbers, number * (count - 1))
        for _ in range(number):
            ways.append(list(_sums(_sums(next(changes) for _ in range(count - 1)))))
        kinds = kinds or [0] * length
        for i in range(count - 1):
            plans.append([_wrapped(w + ways[k][i]) for w, k in zip(first, kinds, strict=True)])
    return plans


def _numbers(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def _signed(value: int) -> int:
    return value >> 1 ^ -(value & 1)


def _wrapped(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _changes(numbers: Iterator[int], count: int) -> Iterator[int]:
    while count > 0:
        value = next(numbers)
        run = 1 if value else 1 + next(numbers)
        for _ in range(run):
            yield _signed(value)
        count -= run


def _sums(values: Any) -> Iterator[int]:
    total = 0
    for value in values:
        total += value
        yield total


def take_apart(words: Sequence[int], bindings: int) -> Plan:
    """A plan for so many inputs and outputs."""
    address, table, steps, end, _arena, _low, _high, threads = (w % 2**32 for w in words[:HEAD])
    at, places = HEAD, []
    for _ in range(bindings):
        rank = words[at + 1]
        places.append((words[at] % 2**32, tuple(words[at + 2 : at + 2 + rank])))
        at += 2 + rank
    return Plan(address, StepTable(table, steps), end, threads, places, list(words[at:]))


def constants(bundle: Bundle) -> dict[int, bytes]:
    """The content of memory by address."""
    stored = b"".join(bundle.files[part["file"]] for part in bundle.manifest["weights"])
    found, at = {}, 0
    for address, nbytes, *half in bundle.manifest["constants"]:
        size = nbytes // 2 if half else nbytes
        data = stored[at : at + size]
        found[address] = np.frombuffer(data, "<f2").astype("<f4").tobytes() if half else data
        at += size
    assert at == len(stored)
    return found


def run(bundle: Bundle, feeds: Mapping[str, Array], simd: str = "relaxed") -> dict[str, Array]:
    """The outputs for inputs, by the plan for their shapes."""
    manifest = bundle.manifest
    for part in (*manifest["code"], *manifest["weights"], manifest["plans"]):
        data = bundle.files[part["file"]]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (part["bytes"], part["sha256"])
    inputs, outputs = manifest["inputs"], manifest["outputs"]
    shapes = [feeds[signature["name"]].shape for signature in inputs]
    every = [take_apart(w, len(inputs) + len(outputs)) for w in decode(bundle.files["plans.bin"])]
    plan = next(p for p in every if [shape for _, shape in p.places[: len(inputs)]] == shapes)
    code = next(part["file"] for part in manifest["code"] if part["simd"] == simd)
    instance = NativeHost().open(
        plan.threads, b"memory\x02\x03" in bundle.files[code], plan.end, 1 << 32
    )
    instance.install(bundle.files[code])
    for address, data in constants(bundle).items():
        instance.write(address, data)
    instance.write(plan.address, np.array(plan.tables, "<i4").tobytes())
    for signature, (offset, _) in zip(inputs, plan.places, strict=False):
        instance.write(offset, np.ascontiguousarray(feeds[signature["name"]]).tobytes())
    instance.run(plan.main, plan.threads)
    results = {}
    for signature, (offset, shape) in zip(outputs, plan.places[len(inputs) :], strict=True):
        dtype = np.dtype(signature["dtype"])
        held = instance.read(offset, int(np.prod(shape)) * dtype.itemsize)
        results[signature["name"]] = np.frombuffer(held, dtype).reshape(shape)
    instance.release()
    return results
