"""Small files of h5py, safetensors and zipfile, and what is in them: formats/ and formats.json.

Run by hand: python formats.py. Files of h5py hold no times here (track_times is off), so that they
come out the same each time with the same versions.
"""

import io
import zipfile
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import torch
from numbers_json import versions
from numbers_json import write as write_json
from safetensors.numpy import save as save_numpy
from safetensors.torch import save as save_torch

HERE = Path(__file__).parent
FOLDER = HERE / "formats"

NUMBERS = {
    "float64": [0.1, -1e300, np.inf, np.nan],
    "float32": [0.1, -1e-40, np.inf, np.nan],
    "float16": [0.1, 65504, 6e-8, -0.0, np.inf, np.nan],
    "int8": [-128, 127],
    "uint8": [0, 255],
    "int16": [-32768, 32767],
    "uint16": [0, 65535],
    "int32": [-(2**31), 2**31 - 1],
    "uint32": [0, 2**32 - 1],
    "int64": [-(2**53) + 1, 2**53 - 1],
    "uint64": [0, 2**53 - 1],
}


def dataset(group, name, data, **options):
    """A dataset without times."""
    return group.create_dataset(name, data=data, track_times=False, **options)


def wave(*shape):
    """Numbers that compress and differ."""
    return (np.arange(np.prod(shape)) % 17 / 8 - 1).astype("float32").reshape(shape)


def numbers(file):
    for name, values in NUMBERS.items():
        dataset(file, f"little/{name}", np.array(values, name))
        if name in ("float64", "float16", "int32", "int64", "uint16"):
            dataset(file, f"big/{name}", np.array(values, np.dtype(name).newbyteorder(">")))
    dataset(file, "bool", np.array([[True, False], [False, True]]))
    dataset(file, "scalar/float32", np.float32(2.5))
    dataset(file, "scalar/int64", np.int64(-7))
    dataset(file, "scalar/bool", np.bool_(True))
    dataset(file, "empty/rows", np.zeros((0, 3), "float32"))
    dataset(file, "empty/null", h5py.Empty("float32"))
    rows = file.create_dataset("rows", (2,), "(3,)i2", track_times=False)
    rows[...] = np.arange(6, dtype="int16").reshape(2, 3)
    half = dataset(file, "bfloat16", np.array([0.1, -3.0, 1e30], ml_dtypes.bfloat16))
    half.attrs["dtype"] = "bfloat16"


def texts(file):
    variable = h5py.string_dtype()
    dataset(file, "variable", np.array([["", "zwölf"], ["日本", "x" * 300]], object), dtype=variable)
    dataset(file, "fixed", np.array([b"a", b"dense/kernel:0", b""]))
    dataset(file, "scalar", "one", dtype=variable)
    dataset(file, "utf8", np.array(["é".encode()], h5py.string_dtype("utf-8", 4)))


def storage(file):
    data = wave(16, 12)
    dataset(file, "gzip", data, chunks=(6, 7), compression="gzip", compression_opts=9)
    filters = dict(compression="gzip", shuffle=True, fletcher32=True)
    dataset(file, "all", data, chunks=(7, 12), **filters)
    dataset(file, "chunked", data, chunks=(9, 11))
    dataset(file, "growing", data[:5], chunks=(2, 12), maxshape=(None, 12))
    dataset(file, "scaled", np.arange(50, dtype="int32"), chunks=(10,), scaleoffset=0)
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    compact.set_obj_track_times(False)
    space = h5py.h5s.create_simple((3,))
    stored = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact)
    stored.write(h5py.h5s.ALL, h5py.h5s.ALL, wave(3))
    file.create_dataset("unwritten", (3, 2), "float32", fillvalue=0.5, track_times=False)


def attributes(file):
    names = [f"dense_{i}/kernel:0".encode() for i in range(9)]
    file.attrs["names"] = names
    file.attrs["variable"] = ["a", "ü", ""]
    file.attrs["text"] = '{"class_name": "Sequential"}'
    file.attrs["bytes"] = np.bytes_(b"tensorflow")
    file.attrs["none"] = []
    file.attrs["null"] = h5py.Empty("S1")
    file.attrs["integer"] = 3
    file.attrs["float"] = 0.5
    file.attrs["float16"] = np.float16(0.25)
    file.attrs["true"] = True
    file.attrs["flags"] = np.array([True, False])
    file.attrs["matrix"] = np.arange(6, dtype=">i4").reshape(2, 3)
    file.attrs["long"] = "x" * 1000
    group = file.create_group("group", track_order=True)
    for name in ["z", "a", "10", "9"]:
        group.attrs[name] = name
        dataset(group, name, np.float32(len(name)))
    axis = dataset(file, "axis", wave(2))
    axis.make_scale("time")
    dataset(file, "scaled", wave(2)).dims[0].attach_scale(axis)


def links(file):
    dataset(file, "here/array", wave(2))
    file["soft"] = h5py.SoftLink("/here/array")
    file["folder"] = h5py.SoftLink("here")
    file["hard"] = file["here/array"]


CONTENTS = [numbers, texts, storage, attributes, links]


def circle(file):
    group = file.create_group("a")
    group["a"] = group


def broken_link(file):
    file["gone"] = h5py.SoftLink("/nowhere")


def external_link(file):
    file["other"] = h5py.ExternalLink("/etc/passwd", "/x")


def through_external_link(file):
    file["other"] = h5py.ExternalLink("other.h5", "/")
    file["soft"] = h5py.SoftLink("/other/x")


def external_storage(file):
    dataset = dict(external=[("/etc/passwd", 0, 64)], track_times=False)
    file.create_dataset("raw", (64,), "uint8", **dataset)


def virtual(file):
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def compound(file):
    dataset(file, "rows", np.zeros(2, [("a", "f4"), ("b", "i4")]))


def large(file):
    file.create_dataset("zeros", (2**20, 2**20), "float32", chunks=(16, 16), track_times=False)


def beyond(file):
    file.create_dataset("zeros", (2**40, 2**40), "float32", chunks=(16, 16), track_times=False)


def chunk(file):
    options = dict(chunks=(2**29,), maxshape=(None,), compression="gzip", track_times=False)
    file.create_dataset("piece", (4,), "float32", **options)


def lzf(file):
    dataset(file, "lzf", wave(40), compression="lzf")


def beyond_doubles(file):
    dataset(file, "large", np.array([2**53], "int64"))


def long_double(file):
    dataset(file, "wide", np.zeros(2, np.longdouble))


def complex_numbers(file):
    dataset(file, "complex", np.zeros(2, "complex64"))


BAD = [
    circle, broken_link, external_link, through_external_link, external_storage, virtual, compound,
    large, beyond, chunk, lzf, beyond_doubles, long_double, complex_numbers,
]  # fmt: skip


def write(name, fill, **options):
    """Writes a file through memory, because h5py then leaves nothing of this machine in it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False, **options) as file:
        fill(file)
    (FOLDER / name).write_bytes(buffer.getvalue())


def plain(value):
    """A value as JSON can say it: numbers of NumPy, text as text."""
    if isinstance(value, h5py.Empty):
        return []
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        return [plain(v) for v in value.ravel().tolist()]
    return value


def described(thing):
    """What is in a group or dataset, as the test compares it."""
    attributes = {
        name: plain(value)
        for name, value in thing.attrs.items()
        if name not in ("REFERENCE_LIST", "DIMENSION_LIST")
    }
    if isinstance(thing, h5py.Group):
        children = {name: described(thing[name]) for name in thing}
        return {"attributes": attributes, "children": children}
    value = plain(thing[()])
    if attributes.get("dtype") == "bfloat16":
        value = value.view(ml_dtypes.bfloat16).astype("float32")
    shape = list(np.shape(value)) if thing.shape is not None else [0]
    if thing.dtype.kind == "f" and thing.dtype.itemsize == 2:
        value = value.astype("float32")
    if thing.shape is not None and thing.dtype.kind in "SO":
        shape = list(thing.shape)
        value = value if isinstance(value, list) else [value]
    else:
        value = np.ravel(value)
    return {"attributes": attributes, "shape": shape, "data": value}


def hdf5():
    """Writes the files in HDF5's oldest and newest formats; what is in them is the same."""
    found = {}
    for fill in CONTENTS:
        name = fill.__name__
        write(f"{name}.h5", fill)
        write(f"{name}-latest.h5", fill, libver="latest")
        with h5py.File(FOLDER / f"{name}.h5") as file:
            found[name] = described(file)
    # Behind 512 bytes of the user's own, as MATLAB does it.
    write("links.h5", links, userblock_size=512)
    for fill in BAD:
        write(f"bad-{fill.__name__.replace('_', '-')}.h5", fill, libver="latest")
    return found


def archives():
    """Zip archives of Python's own kinds."""
    contents = {"config.json": b'{"a": 1}', "assets/text.txt": b"abc" * 500, "empty": b""}
    stamp = (2000, 1, 1, 0, 0, 0)
    kinds = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED}
    for kind, method in kinds.items():
        with zipfile.ZipFile(FOLDER / f"{kind}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("assets/", stamp), b"")
            for name, data in contents.items():
                info = zipfile.ZipInfo(name, stamp)
                info.compress_type = method
                archive.writestr(info, data)

    class Pipe(io.RawIOBase):
        """A target that cannot seek: sizes come after the data then."""

        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, data in contents.items():
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as member:
                member.write(data)
    (FOLDER / "streamed.zip").write_bytes(pipe.data)
    return {name: data.decode() for name, data in contents.items()}


def tensors():
    arrays = {name: np.array(values, name) for name, values in NUMBERS.items()}
    arrays["bool"] = np.array([[True, False]])
    arrays["scalar"] = np.array(7, "int64")
    arrays["empty"] = np.zeros((0, 3), "float32")
    arrays["matrix"] = wave(2, 3)
    (FOLDER / "numpy.safetensors").write_bytes(save_numpy(arrays, {"format": "np", "ü": "é"}))
    weights = {
        "0.weight": torch.tensor(wave(2, 3)),
        "0.bias": torch.tensor([0.1, -2.0], dtype=torch.bfloat16),
        "1.num_batches_tracked": torch.tensor(9),
    }
    (FOLDER / "torch.safetensors").write_bytes(save_torch(weights, {"format": "pt"}))
    # The shortest decimals of float16 are not exact.
    arrays["float16"] = arrays["float16"].astype("float32")
    arrays = {name: {"shape": list(a.shape), "data": a.ravel()} for name, a in arrays.items()}
    weights = {
        name: {"shape": list(t.shape), "data": t.to(torch.float64).numpy().ravel()}
        for name, t in weights.items()
    }
    return {"numpy": arrays, "torch": weights}


def main():
    FOLDER.mkdir(exist_ok=True)
    result = {
        "versions": versions("h5py", "numpy", "safetensors", "torch", "ml_dtypes"),
        "hdf5": hdf5(),
        "zip": archives(),
        "tensors": tensors(),
    }
    write_json(HERE / "formats.json", result)


if __name__ == "__main__":
    main()
