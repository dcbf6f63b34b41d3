"""A minimal writer of GGUF version 3 (header, metadata, tensor table, 32-byte aligned data)."""
import struct

import numpy as np

ALIGNMENT = 32
FLOAT32 = 0  # tensor type


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(v):
    """Type tag and bytes of a metadata value: bool, int (u32), float (f32), str, or a list of str or int (i32)."""
    if isinstance(v, bool):
        return struct.pack("<IB", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + string(v)
    if all(isinstance(item, str) for item in v):
        return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(map(string, v))
    return struct.pack("<IIQ", 9, 5, len(v)) + np.array(v, "<i4").tobytes()


def write(path, metadata, tensors):
    """Writes `metadata` (name to value) and `tensors` (name to float32 array, row-major)."""
    table, offset, blocks = b"", 0, []
    for name, array in tensors.items():
        shape = array.shape[::-1]  # GGUF lists the fastest axis first
        table += string(name) + struct.pack("<I", array.ndim) + struct.pack(f"<{array.ndim}Q", *shape)
        table += struct.pack("<IQ", FLOAT32, offset)
        padding = -array.nbytes % ALIGNMENT
        blocks.append(np.ascontiguousarray(array).tobytes() + b"\0" * padding)
        offset += array.nbytes + padding
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(string(key) + value(v) for key, v in metadata.items()) + table
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(blocks))
