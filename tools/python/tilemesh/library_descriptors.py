# SPDX-License-Identifier: Apache-2.0
"""What tensor descriptors do beyond loads and stores of their box: rows that indices name, and atomic operations."""

import triton
import triton.language as tl


@triton.jit
def places_of_rows(desc, x_offsets, y_offset):
    """Pointers to the columns from y_offset on of the rows that are named, and which of them are in the tensor."""
    tl.static_assert(len(desc.block_shape) == 2 and desc.block_shape[0] == 1, "gather and scatter need a descriptor with a block of one row")
    columns = y_offset + tl.arange(0, desc.block_shape[1])
    rows_inside = (x_offsets >= 0) & (x_offsets < desc.shape[0])
    columns_inside = (columns >= 0) & (columns < desc.shape[1])
    places = desc.base + x_offsets[:, None] * desc.strides[0] + columns[None, :] * desc.strides[1]
    return places, rows_inside[:, None] & columns_inside[None, :]


@triton.jit
def descriptor_gather(desc, x_offsets, y_offset):
    places, inside = places_of_rows(desc, x_offsets, y_offset)
    return tl.load(places, mask=inside, other=0.0)


@triton.jit
def descriptor_scatter(desc, value, x_offsets, y_offset):
    places, inside = places_of_rows(desc, x_offsets, y_offset)
    tl.store(places, value, mask=inside)


@triton.jit
def places_of_box(desc, offsets):
    """Pointers to the box at these offsets, and which of them are in the tensor."""
    rank = len(desc.block_shape)
    places, inside = desc.base, True
    for i in tl.static_range(rank):
        along = offsets[i] + tl.arange(0, desc.block_shape[i])
        for j in tl.static_range(rank):
            if j != i:
                along = tl.expand_dims(along, j)
        places = places + along * desc.strides[i]
        here = (along >= 0) & (along < desc.shape[i])
        inside = here if i == 0 else inside & here
    return places, inside


@triton.jit
def descriptor_atomic_add(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_add(places, value, mask=inside)


@triton.jit
def descriptor_atomic_max(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_max(places, value, mask=inside)


@triton.jit
def descriptor_atomic_min(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_min(places, value, mask=inside)


@triton.jit
def descriptor_atomic_and(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_and(places, value, mask=inside)


@triton.jit
def descriptor_atomic_or(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_or(places, value, mask=inside)


@triton.jit
def descriptor_atomic_xor(desc, offsets, value):
    places, inside = places_of_box(desc, offsets)
    tl.atomic_xor(places, value, mask=inside)
