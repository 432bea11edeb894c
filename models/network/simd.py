"""Vector loops for the numba kernels, written out because no compiler flag gives them.

LLVM does not keep a running sum of 64 numbers in registers unless it is told that it is one vector; these are
the two inner loops of the student told so. Each lane sums in the order of the loop, a multiplication and an
addition rounded one after the other (no contraction), so the bits are those of the plain loops
``result[unit] += value * row[unit]`` on every processor, whatever the width of its registers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import llvmlite.ir as ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

NARROW = 8
"""Widths of networks are multiples of this."""

_REGISTERS_OF_512 = bool(llvm.get_host_cpu_features().get("avx512f"))
WIDE = 128 if _REGISTERS_OF_512 else 64
"""Units of the embedding summed at once: as many as fit into the registers beside the operands."""

TOGETHER = 8 if _REGISTERS_OF_512 else 4
"""Molecules that go through a dense layer at once, so that a weight is loaded once for all of them."""

UNITS = 32 if _REGISTERS_OF_512 else 16
"""Units of a dense layer summed at once for each of them."""

AHEAD = 12
"""Rows of the embedding fetched ahead of their use: it is larger than a core's own cache."""

LINE = 16
"""Floats in a line of the cache."""

_FLOAT, _INDEX = ir.FloatType(), ir.IntType(64)


def _pointer(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value=value).data


def _at(builder: Any, pointer: Any, index: Any, kind: Any = _FLOAT) -> Any:
    return builder.gep(pointer, [index], inbounds=True, source_etype=kind)


def _load(builder: Any, pointer: Any, index: Any, lanes: int) -> Any:
    kind = ir.VectorType(_FLOAT, lanes)
    place = builder.bitcast(_at(builder, pointer, index), kind.as_pointer())
    return builder.load(place, align=4, typ=kind)


def _store(builder: Any, value: Any, pointer: Any, index: Any) -> None:
    place = builder.bitcast(_at(builder, pointer, index), value.type.as_pointer())
    builder.store(value, place, align=4)


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    kind = ir.VectorType(_FLOAT, lanes)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), order)


def _fetch(builder: Any, pointer: Any, index: Any, lanes: int) -> None:
    """Ask for ``lanes`` floats from ``index`` to be brought into the cache; never fails, whatever the address."""
    word, address = ir.IntType(32), ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [address, word, word, word])
    fetch = builder.module.declare_intrinsic("llvm.prefetch", (address,), kind)
    for line in range(0, lanes, LINE):
        place = _at(builder, pointer, builder.add(index, _INDEX(line)))
        builder.call(fetch, [builder.bitcast(place, address), word(0), word(3), word(1)])


def _sums(
    builder: Any, start: Any, stop: Any, sums: list[Any], step: Callable[[Any, list[Any]], list[Any]]
) -> list[Any]:
    """Emit ``for index in range(start, stop): sums = step(index, sums)``; return the sums after it."""
    before = builder.block
    head = builder.append_basic_block("head")
    body = builder.append_basic_block("body")
    after = builder.append_basic_block("after")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(_INDEX)
    index.add_incoming(start, before)
    running = [builder.phi(value.type) for value in sums]
    for phi, value in zip(running, sums, strict=True):
        phi.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", index, stop), body, after)
    builder.position_at_end(body)
    for phi, value in zip(running, step(index, running), strict=True):
        phi.add_incoming(value, builder.block)
    index.add_incoming(builder.add(index, _INDEX(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return running


def _bag_sum(lanes: int) -> Any:
    @intrinsic
    def bag_sum(typing: Any, buckets, weights, start, stop, table, bias, unit, result, place):  # type: ignore[no-untyped-def]
        """Write bias + the weighted sum of rows ``buckets[start:stop]`` of ``table``, ``lanes`` units from ``unit``."""
        signature = types.void(
            buckets, weights, types.int64, types.int64, table, bias, types.int64, result, types.int64
        )

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            pointers = [
                _pointer(context, builder, kinds[k], arguments[k])
                if isinstance(kinds[k], types.Array)
                else arguments[k]
                for k in range(len(kinds))
            ]
            buckets, weights, start, stop, table, bias, unit, result, place = pointers
            shape = context.make_array(kinds[4])(context, builder, value=arguments[4]).shape
            width = builder.extract_value(shape, 1)
            known = context.make_array(kinds[0])(context, builder, value=arguments[0]).shape
            last = builder.sub(builder.extract_value(known, 0), _INDEX(1))

            def row_of(index: Any) -> Any:
                bucket = builder.load(_at(builder, buckets, index, ir.IntType(32)), typ=ir.IntType(32))
                return builder.add(builder.mul(builder.sext(bucket, _INDEX), width), unit)

            def step(index: Any, sums: list[Any]) -> list[Any]:
                later = builder.add(index, _INDEX(AHEAD))
                inside = builder.icmp_signed("<", later, last)
                _fetch(builder, table, row_of(builder.select(inside, later, last)), lanes)
                row = row_of(index)
                weight = builder.load(_at(builder, weights, index), typ=_FLOAT)
                product = builder.fmul(_splat(builder, weight, lanes), _load(builder, table, row, lanes))
                return [builder.fadd(sums[0], product)]

            (total,) = _sums(builder, start, stop, [_load(builder, bias, unit, lanes)], step)
            _store(builder, total, result, place)
            return context.get_dummy_value()

        return signature, code

    return bag_sum


def _dense_sum(rows: int, lanes: int) -> Any:
    @intrinsic
    def dense_sum(typing: Any, values, matrix, layer, bias, unit, result):  # type: ignore[no-untyped-def]
        """Write ``bias + values @ matrix[layer]`` for ``rows`` rows of values and ``lanes`` units from ``unit``."""
        signature = types.void(values, matrix, types.int64, bias, types.int64, result)

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            shape = context.make_array(kinds[1])(context, builder, value=arguments[1]).shape
            inputs, outputs = builder.extract_value(shape, 1), builder.extract_value(shape, 2)
            values, matrix, bias, result = (
                _pointer(context, builder, kinds[k], arguments[k]) for k in (0, 1, 3, 5)
            )
            layer, unit = arguments[2], arguments[4]
            base = builder.add(builder.mul(builder.mul(layer, inputs), outputs), unit)
            starts = [builder.mul(_INDEX(row), inputs) for row in range(rows)]
            first = _load(builder, bias, builder.add(builder.mul(layer, outputs), unit), lanes)

            def step(index: Any, sums: list[Any]) -> list[Any]:
                weights = _load(builder, matrix, builder.add(base, builder.mul(index, outputs)), lanes)
                found = []
                for start, total in zip(starts, sums, strict=True):
                    value = builder.load(_at(builder, values, builder.add(start, index)), typ=_FLOAT)
                    found.append(builder.fadd(total, builder.fmul(_splat(builder, value, lanes), weights)))
                return found

            totals = _sums(builder, _INDEX(0), inputs, [first] * rows, step)
            for row, total in enumerate(totals):
                offset = builder.add(builder.mul(_INDEX(row), outputs), unit)
                _store(builder, total, result, offset)
            return context.get_dummy_value()

        return signature, code

    return dense_sum


bag_sum_wide, bag_sum_half, bag_sum_narrow = _bag_sum(WIDE), _bag_sum(WIDE // 2), _bag_sum(NARROW)
dense_sum_wide, dense_sum_narrow = _dense_sum(TOGETHER, UNITS), _dense_sum(TOGETHER, NARROW)
