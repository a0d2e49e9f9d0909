"""Makes files-legacy.br and files-legacy.json: files that tf_keras (Keras 2) saves, with what their
models predict and their weights after one more step. It needs TensorFlow, so an environment of its
own: requirements-legacy.txt.

    python tools/golden/files_legacy.py
"""

import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tf_keras

from files_cases import Files, chain, ends, merges, stack

HERE = Path(__file__).resolve().parent
O = tf_keras.optimizers
LEGACY = O.legacy

OLD = {
    "sgd": lambda: LEGACY.SGD(0.1, momentum=0.9, nesterov=True, decay=0.1),
    "rmsprop": lambda: LEGACY.RMSprop(0.05, momentum=0.9, centered=True),
    "rmsprop-plain": lambda: LEGACY.RMSprop(0.05),
    "adam": lambda: LEGACY.Adam(0.05, amsgrad=True, decay=0.1),
    "nadam": lambda: LEGACY.Nadam(0.05),
    "adamax": lambda: LEGACY.Adamax(0.05),
    "adagrad": lambda: LEGACY.Adagrad(0.1),
    "adadelta": lambda: LEGACY.Adadelta(1.0),
    "ftrl": lambda: LEGACY.Ftrl(0.1),
}

NEW = {
    "sgd": lambda: O.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: O.RMSprop(0.05, momentum=0.9, centered=True),
    "adam": lambda: O.Adam(O.schedules.ExponentialDecay(0.05, 2, 0.5), amsgrad=True),
    "adamw": lambda: O.AdamW(0.05, weight_decay=0.1, use_ema=True),
    "nadam": lambda: O.Nadam(0.05),
    "adamax": lambda: O.Adamax(0.05),
    "adagrad": lambda: O.Adagrad(0.1),
    "adadelta": lambda: O.Adadelta(1.0),
    "ftrl": lambda: O.Ftrl(0.1),
    "lion": lambda: O.Lion(0.01),
}

# Elsewhere one bias is in front of a batch normalization that takes it away: its gradient is noise.
SEEDS = {"rmsprop-plain": 200, "adamw": 200}


def slashed(K):
    """Layers named as scopes: groups within groups."""
    L = K.layers
    names = ("block/b", "block/a", "block")
    return K.Sequential([K.Input((3,)), *(L.Dense(3, "elu", name=name) for name in names)])


def nested(K):
    """tf_keras takes an input's shape from the first layer, and has one for the model's."""
    return K.Sequential([K.layers.Dense(3, "elu", input_shape=(3,), name="only")], name="small")


def weights_only(model, path):
    model.save_weights(path)


def many(K):
    """So many long names that the list of them is cut in two."""
    names = [f"layer_{i:03}_" + "x" * 290 for i in range(230)]
    L = K.layers
    layers = [L.Activation("linear", name=name) for name in names]
    return K.Sequential([K.Input((3,)), L.Dense(3, name="first"), *layers, L.Dense(2, name="second")])


def main():
    files = Files(tf_keras, "files-legacy")
    for seed, (name, make) in enumerate(OLD.items()):
        files.add(f"legacy-{name}.h5", stack, make(), seed=seed + SEEDS.get(name, 0))
    for seed, (name, make) in enumerate(NEW.items()):
        # Recorded as a graph, this Nadam multiplies its momentum product once for every weight.
        files.add(f"new-{name}.h5", stack, make(), seed=20 + seed + SEEDS.get(name, 0), eagerly=name == "nadam")
    files.add("legacy-frozen.h5", stack, LEGACY.Adam(0.05), seed=40, frozen=True)
    files.add("legacy-ends.h5", ends, LEGACY.Nadam(0.05), seed=41)
    files.add("new-ends.h5", ends, O.Adam(0.05), seed=42)
    files.add("legacy-slashed.h5", slashed, LEGACY.Adam(0.05), seed=43)
    files.add("nested.h5", nested, seed=44)
    files.add("chain.h5", chain, seed=45)
    files.add("merges.h5", merges, seed=46)
    files.add("many.h5", many, seed=47)
    files.add("stack-weights.h5", stack, save=weights_only, seed=48)
    files.add("ends-weights.h5", ends, save=weights_only, seed=49)
    files.add("stack.weights.h5", stack, NEW["adam"](), save=weights_only, seed=50)
    files.add("new-nadam.keras", stack, O.Nadam(0.05), seed=51, eagerly=True)
    files.add("new-adam.keras", ends, O.Adam(0.05), seed=52)
    files.add("legacy-nadam.keras", stack, LEGACY.Nadam(0.05), seed=53)
    files.add("chain.keras", chain, seed=54)
    files.add("merges.keras", merges, seed=55)
    files.write(HERE, "tf_keras", "tensorflow", "numpy", "h5py")


if __name__ == "__main__":
    main()
