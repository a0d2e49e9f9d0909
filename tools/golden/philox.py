"""The project's random bits in NumPy (src/base/philox.ts is the other side, bit for bit).

Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011). A stream is (seed, path):
  key     = [low 32 bits of seed, FNV-1a 32 of the path's UTF-8 bytes]
  counter = [element >>> 2, step, 0, high bits of seed]
and the bits of (stream, step, element) are output word (element & 3).
"""

import numpy as np

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = 0x9E3779B9, 0xBB67AE85
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox4x32(counter, key):
    """Four words (arrays of uint64 that hold u32) for a counter of four words and a key of two."""
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (
            (product1 >> SHIFT) ^ c1 ^ np.uint64(k0),
            product1 & LOW,
            (product0 >> SHIFT) ^ c3 ^ np.uint64(k1),
            product0 & LOW,
        )
        k0, k1 = (k0 + W0) & 0xFFFFFFFF, (k1 + W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


def stream_hash(path):
    """FNV-1a, 32 bits."""
    value = 0x811C9DC5
    for byte in path.encode("utf8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def random_bits(seed, path, step, count):
    """Bits of the elements 0 to count - 1, as uint32."""
    key = (seed & 0xFFFFFFFF, stream_hash(path))
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    words = philox4x32((blocks, step, 0, seed >> 32), key)
    return np.stack(np.broadcast_arrays(*words), axis=1).astype(np.uint32).ravel()[:count]


def self_test():
    """Known answers of Random123 (kat_vectors, philox4x32 10)."""
    ones = 0xFFFFFFFF
    answers = [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ones,) * 4, (ones,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ]
    for counter, key, expected in answers:
        assert tuple(int(word) for word in philox4x32(counter, key)) == expected
