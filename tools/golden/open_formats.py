"""Opens what the built library writes with h5py, safetensors and zipfile, and checks it all.

    npm run build && python tools/golden/open_formats.py

Needs node in the path. Ends with an error where something differs.
"""

import subprocess
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file as load_torch

HERE = Path(__file__).resolve().parent

NUMBERS = {
    "float32": [np.float32(0.1), -0.0, np.nan],
    "float64": [0.1, -0.0, np.nan],
    "int8": [-128, 127],
    "int16": [-32768, 32767],
    "int32": [-(2**31), 2**31 - 1],
    "uint8": [0, 255],
    "uint16": [0, 65535],
    "uint32": [0, 2**32 - 1],
}
MATRIX = np.arange(1, 7, dtype="float32").reshape(2, 3)


def same(found, wanted):
    """Same type, shape and numbers, with the sign of 0."""
    wanted = np.asarray(wanted)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape, (found, wanted)
    assert found.tobytes() == wanted.tobytes() or np.array_equal(found, wanted, equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(wanted)) or np.isnan(wanted).any()


def hdf5(path):
    with h5py.File(path) as file:
        for name, values in NUMBERS.items():
            same(file["numbers"][name][()], np.array(values, name))
        same(file["matrix"][()], MATRIX)
        assert file["matrix"].attrs["dtype"] == "float32"
        same(file["scalar"][()], np.int32(7))
        assert file["texts"].asstr()[()].tolist() == ["", "zwölf"]
        assert list(file["empty"]["vars"]) == []
        attributes = file.attrs
        assert attributes["text"] == "é" * 200_000
        assert h5py.check_string_dtype(attributes.get_id("text").dtype).encoding == "utf-8"
        assert h5py.check_string_dtype(attributes.get_id("text").dtype).length is None
        assert list(attributes["names"]) == ["a", "ü"]
        assert len(attributes["many"]) == 10_000 and attributes["many"][9999] == "layer_9999/kernel:0"
        same(attributes["none"], np.zeros(0))
        same(attributes["integer"], np.int64(3))
        same(attributes["float"], np.float64(0.5))
        same(attributes["flag"], np.uint8(1))
        same(attributes["wide"], np.full((100, 100), 2.0))


def tensors(path):
    found = load_numpy(path)
    for name, values in NUMBERS.items():
        same(found[name], np.array(values, name))
    same(found["matrix"], MATRIX)
    same(found["scalar"], np.float32(7))
    assert found["empty"].shape == (0, 3)
    assert set(found) == {*NUMBERS, "matrix", "scalar", "empty"}
    assert load_torch(path)["matrix"].tolist() == MATRIX.tolist()
    with safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt", "ü": "é"}


def archive(path):
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert file.namelist() == ["config.json", "assets/zwölf.txt", "empty"]
        assert file.read("assets/zwölf.txt").decode() == "zwölf" * 1000
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())


def main():
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["node", HERE / "write_formats.mjs", name], check=True)
        folder = Path(name)
        hdf5(folder / "written.h5")
        tensors(folder / "written.safetensors")
        archive(folder / "written.zip")
    print("h5py, safetensors and zipfile read all of it")


if __name__ == "__main__":
    main()
