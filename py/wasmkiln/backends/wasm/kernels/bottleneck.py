"""An inverted bottleneck by rows of its output (see program/kernels/bottleneck.py).

for each `step` rows of the output:
    expand the rows of x that their windows reach and that the ring doesn't hold yet
    for each of the rows: depthwise, from the ring to a block of rows
    project the block

The ring and the block stay in the nearer caches, which whole maps of the wide channels do not.
"""

from __future__ import annotations

from ....program.kernels.bottleneck import BottleneckSpec
from ....program.kernels.finish import Finish
from ....program.kernels.gemm import NR
from ...base import Target
from .. import asm as w
from ..function import Function, Local
from ..isa import i32
from ..loops import kernel
from ..module import Module
from ..val import Val
from .depthwise import Rows, count_inside, first_inside, tile_functions
from .gemm import minimum
from .patches import maximum
from .tile import K_WORD, N_WORD, PANEL_BYTES, rows_function, word

__all__ = ["emit_bottleneck"]

_WORDS = (
    "x scratch share ring_at rows_at step b panels x_row project_b project_panels image out_row ih "
    "expand_at depthwise_at project_at"
)


def emit_bottleneck(spec: BottleneckSpec, m: Module, target: Target) -> Function:
    """Image by image, the rows of the range in steps."""
    stages = _Stages(spec, m, target)
    f = kernel(m, spec.name)
    _, begin, end, _ = f.params
    b = _Bottleneck(f, spec, stages)
    oh = b.depthwise.args["oh"]
    image, stop = f.local(i32, "image"), f.local(i32, "stop")
    with f.while_(begin < end):
        f.set(image, begin // oh)
        f.set(b.y, begin - image * oh)
        f.set(stop, minimum(oh, b.y + end - begin))
        f.set(b.out, word(b.project, 0) + begin * b.args["out_row"])
        f.add_to(begin, stop - b.y)
        b.image(image, stop)
    return f


class _Stages:
    """The functions that the kernel calls."""

    def __init__(self, spec: BottleneckSpec, m: Module, target: Target) -> None:
        self.expand = _product_function(m, target, spec.expand) if spec.expand else None
        self.tiles = tile_functions(m, target, spec.depthwise)
        self.project = _product_function(m, target, spec.project)


class _Bottleneck:
    def __init__(self, f: Function, spec: BottleneckSpec, stages: _Stages) -> None:
        self.f, self.stages = f, stages
        args = f.params[0]
        self.args = {name: f.let(word(args, i), name) for i, name in enumerate(_WORDS.split())}
        a = self.args
        self.expand = f.let(args + a["expand_at"] * 4)
        self.project = f.let(args + a["project_at"] * 4)
        self.depthwise = Rows(f, spec.depthwise, f.let(args + a["depthwise_at"] * 4))
        d = self.depthwise.args
        self.tail = f.let(a["scratch"] + f.params[3] * a["share"])
        self.rows = f.let(self.tail + a["rows_at"])
        self.wide_in = f.let(self.depthwise.pixel * d["iw"])
        self.wide_out = f.let(self.depthwise.pixel * d["ow"])
        self.ring = f.let(self.tail + a["ring_at"])
        self.ring_end = f.let(self.ring + d["ih"] * self.wide_in)
        self.zero = f.let(0)
        self.x, self.y = f.local(i32, "x"), f.local(i32, "y")
        self.row, self.n = f.local(i32, "row"), f.local(i32, "n")
        self.out, self.i = f.local(i32, "out"), f.local(i32, "i")
        self.need, self.count = f.local(i32, "need"), f.local(i32, "count")
        self.slot = f.local(i32, "slot")

    def image(self, image: Local, stop: Local) -> None:
        """The rows from y to `stop` of an image."""
        f, a, d = self.f, self.args, self.depthwise
        f.set(self.x, a["x"] + image * a["image"])
        if not self.stages.expand:
            f.set(self.ring, self.x)
        f.set(self.row, maximum(self.y * d.args["sh"] - d.args["ph"], w.i32_const(0)))
        with f.while_(self.y.lt_s(stop)):
            f.set(self.n, minimum(a["step"], stop - self.y))
            if self.stages.expand:
                self._expand(self.stages.expand)
            f.set(d.out, self.rows)
            with f.for_range(self.i, 0, self.n):
                self._depthwise()
            f.call(
                self.stages.project, self.project, self.rows, a["project_b"], self.out,
                self.n * d.args["ow"], a["project_panels"], self.tail,
            )  # fmt: skip
            f.add_to(self.out, self.n * a["out_row"])
            f.add_to(self.y, self.n)

    def _expand(self, product: Function) -> None:
        """The rows that are missing in the ring, up to its end and from its start."""
        f, a, d = self.f, self.args, self.depthwise.args
        reach = (self.y + self.n - 1) * d["sh"] - d["ph"] + d["kh"]
        f.set(self.need, minimum(reach, a["ih"]))
        with f.while_(self.row.lt_s(self.need)):
            f.set(self.slot, self.row % d["ih"])
            f.set(self.count, minimum(self.need - self.row, d["ih"] - self.slot))
            f.call(
                product, self.expand, self.x + self.row * a["x_row"], a["b"],
                self.ring + self.slot * self.wide_in, self.count * d["iw"], a["panels"], self.tail,
            )  # fmt: skip
            f.add_to(self.row, self.count)

    def _depthwise(self) -> None:
        """Row y + i of the output, to the block of rows, where `d.out` goes on."""
        f, a, d = self.f, self.args, self.depthwise
        words = d.args
        f.set(d.top, (self.y + self.i) * words["sh"] - words["ph"])
        f.set(d.skip, first_inside(d.top, words["dh"]))
        f.set(d.taps, count_inside(d.top, a["ih"], words["dh"], words["kh"], d.skip))
        f.set(d.weights, words["w"] + d.skip * words["kw"] * 16)
        f.set(d.source, self.ring + (d.top + d.skip) % words["ih"] * self.wide_in)
        ring_end = self.ring_end if self.stages.expand else None
        d.tiles(self.stages.tiles, self.zero, words["channels"], ring_end)


def _product_function(m: Module, target: Target, finish: Finish) -> Function:
    """(args, a, b, out, rows, panels, tail): all columns of some rows of a product."""
    rows = rows_function(m, target, finish)
    name = f"product_f32{finish.tag}"

    def make() -> Function:
        f = m.function(name, (i32,) * 7)
        args, a, b, out, count, panels, tail = f.params
        n = f.let(word(args, N_WORD) * 4)
        panel_bytes = f.let(word(args, K_WORD) * PANEL_BYTES)
        column, to = f.let(0), f.local(i32, "to")
        with f.loop() as again:
            f.set(to, out + column)
            part: Val = w.select(tail, w.i32_const(0), column + 4 * NR > n)
            ahead = b + w.select(panel_bytes, w.i32_const(0), panels > 1)
            f.call(rows, args, a, b, to, column, count, part, ahead)
            f.add_to(b, panel_bytes)
            f.add_to(column, 4 * NR)
            f.br_if(again, f.tee(panels, panels - 1))
        return f

    return m.once(name, make)
