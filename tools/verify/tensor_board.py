"""Opens logs that Antler writes with TensorBoard's own readers, and compares what is found in them.

    npm run build && python tools/verify/tensor_board.py [FOLDER]

With a folder, tells what TensorBoard finds in it, e.g. in that of a lab's run. Without one, or with
one that has an expected.json (see write_logs.mjs), also compares tags, steps and values. Needs
tensorboard, and node in the path. Ends with an error where something differs.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.graph import keras_util
from tensorboard.util import tensor_util

HERE = Path(__file__).resolve().parent


class Logs:
    """A folder as TensorBoard's pages see it: {run: {tag: [(step, value)]}} of each plugin."""

    def __init__(self, folder):
        multiplexer = plugin_event_multiplexer.EventMultiplexer(size_guidance={"tensors": 0})
        multiplexer.AddRunsFromDirectory(str(folder))
        multiplexer.Reload()
        provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
        self.multiplexer = multiplexer
        known = {"experiment_id": "", "downsample": 10**6}
        context = RequestContext()
        lists = {
            "scalars": (provider.list_scalars, provider.read_scalars),
            "histograms": (provider.list_tensors, provider.read_tensors),
            "images": (provider.list_blob_sequences, provider.read_blob_sequences),
            "graph_keras_model": (provider.list_blob_sequences, provider.read_blob_sequences),
        }
        self.found = {}
        for plugin, (_, read) in lists.items():
            for run, tags in read(context, plugin_name=plugin, **known).items():
                for tag, data in tags.items():
                    values = [
                        (each.step, [provider.read_blob(context, blob_key=v.blob_key) for v in each.values])
                        if hasattr(each, "values")
                        else (each.step, each.value if plugin == "scalars" else each.numpy)
                        for each in data
                    ]
                    self.found.setdefault((run, plugin), {})[tag] = values

    def of(self, run, plugin):
        return self.found.get((run, plugin), {})


def floats(values):
    return [np.float32(value) for value in values]


def scalars_of(one):
    """The scalars of the runs train and validation."""
    epochs = len(one["history"]["loss"])
    own, held = {}, {}
    for key, values in one["history"].items():
        pairs = list(enumerate(floats(values)))
        if not key.startswith("val"):
            own[f"epoch_{key}"] = pairs
            continue
        name = key[3:].lower()
        held[f"epoch_{name}"] = pairs
        held[f"evaluation_{name}_vs_iterations"] = list(zip(one["steps"], floats(values)))
    own["epoch_learning_rate"] = list(enumerate([np.float32(0.001)] * epochs))
    if one["every"]:
        steps = range(one["every"], len(one["batches"]) + 1, one["every"])
        own["batch_loss"] = [(step, np.float32(one["batches"][step - 1])) for step in steps]
    return own, held


def weights_of(one):
    """{name of a weight: [(epoch, array)]}, under Keras's names."""
    scope = "wide" if one["name"] == "wide" else "plain"
    named = {}
    for epoch, weights in enumerate(one["weights"]):
        if not one["histogramFreq"] or epoch % one["histogramFreq"]:
            continue
        for path, weight in zip(one["names"], weights, strict=True):
            name = path if scope == "wide" else f"{scope}/{path}"
            array = np.array(weight["data"], np.float32).reshape(weight["shape"])
            named.setdefault(name, []).append((epoch, array))
    return named


def differences(one, logs):
    """What differs, as texts."""
    wrong = []

    def same(what, found, wanted):
        if found != wanted:
            wrong.append(f"{what}: {str(found)[:200]}, not {str(wanted)[:200]}")

    own, held = scalars_of(one)
    train, validation = f"{one['name']}/train", f"{one['name']}/validation"
    found = logs.of(train, "scalars")
    same("tags", sorted(tag for tag in found if tag != "batch_accuracy"), sorted(own))
    for tag, values in own.items():
        same(tag, found.get(tag), values)
    same("validation", logs.of(validation, "scalars"), held)
    weights = weights_of(one)
    histograms = logs.of(train, "histograms")
    same("histograms", sorted(histograms), sorted(f"{name}/histogram" for name in weights))
    for name, pairs in weights.items():
        for (epoch, array), (step, buckets) in zip(pairs, histograms[f"{name}/histogram"], strict=True):
            same(f"{name}: step", step, epoch)
            counts, edges = np.histogram(array.astype(float), bins=30)
            if array.max() == array.min():
                same(f"{name}: last bucket", buckets[-1].tolist(), [array.max()] * 2 + [array.size])
            elif not np.allclose(buckets[:, 0], edges[:-1]) or buckets[:, 2].sum() != array.size:
                wrong.append(f"{name}: other buckets in epoch {epoch}")
            elif np.abs(buckets[:, 2] - counts).sum() > 2:
                wrong.append(f"{name}: other counts in epoch {epoch}")
    images = logs.of(train, "images")
    same("images", len(images), len(weights) if one["name"] == "plain" else 0)
    for tag, values in images.items():
        for _, (_, _, picture) in values:
            same(f"{tag}: PNG", picture[:8], b"\x89PNG\r\n\x1a\n")
    graph = graph_of(logs, train)
    same("nodes of the graph", [name for name in graph if "input" not in name and name != "features"],
         [name for name in one["layers"] if name != "features"])
    return wrong


def graph_of(logs, run):
    """The names of the nodes that the graph page draws."""
    if "keras" not in logs.of(run, "graph_keras_model"):
        return []
    [event] = logs.multiplexer.Tensors(run, "keras")
    config = json.loads(tensor_util.make_ndarray(event.tensor_proto).item())
    return [node.name.split("/")[-1] for node in keras_util.keras_model_to_graph_def(config).node]


def tell(folder, logs):
    print(folder)
    for (run, plugin), tags in logs.found.items():
        for tag, values in tags.items():
            steps = [step for step, _ in values]
            last = f", the last {values[-1][1]:.6g}" if plugin == "scalars" else ""
            print(f"  {run}: {tag} ({plugin}), {len(steps)} steps from {steps[0]} to {steps[-1]}{last}")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if len(sys.argv) == 1:
            script = os.environ.get("WRITE_LOGS", str(HERE / "write_logs.mjs"))
            subprocess.run(["node", script, str(folder)], check=True)
        logs = Logs(folder)
        path = folder / "expected.json"
        if not path.exists():
            tell(folder, logs)
            sys.exit(not logs.found)
        failed = False
        for one in json.loads(path.read_text()):
            wrong = differences(one, logs)
            print(f"{one['name']}: {'as it was trained' if not wrong else ''}")
            for text in wrong:
                print(f"  {text}")
            failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
