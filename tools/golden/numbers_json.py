"""Writes golden values as JSON: compact, one entry of a short list a line, exact numbers.

A float32 is written as the shortest decimal that rounds to it (`Math.fround` of what JSON.parse
gives is that float32, bit for bit); a float64 as Python's repr, which JSON.parse reads exactly.
JSON has no NaN and no infinities: they are the strings "NaN", "Infinity" and "-Infinity", so that
JavaScript's `Number(value)` reads every entry. -0 is written as -0.0.
"""

import importlib.metadata
import json
import platform

import numpy as np

WIDTH = 100


def number(value):
    """The JSON text of one NumPy or Python number."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if np.isnan(value):
        return '"NaN"'
    if np.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    # str of a NumPy scalar is the shortest decimal that reads back in its own type.
    return str(value) if isinstance(value, np.floating) else repr(float(value))


def text(value, indent=0):
    """The JSON text of nested dicts, lists, arrays and numbers."""
    if value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, np.ndarray):
        value = [row for row in value] if value.ndim else value[()]
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {text(item, indent + 1)}" for key, item in value.items()]
        marks = "{}"
    elif isinstance(value, (list, tuple)):
        parts = [text(item, indent + 1) for item in value]
        marks = "[]"
    else:
        return number(value)
    line = marks[0] + ", ".join(parts) + marks[1]
    flat = marks == "[]" and all(part[0] not in "[{" for part in parts)
    if len(line) <= WIDTH - indent and "\n" not in line or flat:
        return line
    inner = "\n" + " " * (indent + 1)
    return marks[0] + inner + ("," + inner).join(parts) + "\n" + " " * indent + marks[1]


def write(path, value):
    """Writes the value and says so."""
    path.write_text(text(value) + "\n", encoding="utf8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def versions(*packages):
    """The versions that made a file: {"python", ...packages}."""
    found = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version(), **found}
