"""PyTorch's train step as a process that a benchmark can interleave with its own.

Reads one JSON object a line from standard input and answers each with one line (`epochs`: several)
on standard output. It ends at the end of the input. An error answers {"error": text}.

  {"cmd": "info"}
      -> {"event": "info", "python", "torch", "numpy", "threads", "interopThreads", "cpu",
          "capability", "parallel", "config", "openblasCoretype"}

  {"cmd": "init", "batch": 32, "threads": 1, "net": "elu"}
      "net": also "bn"; optional: "images" (10000), "learningRate" (5e-5), "seed" (0), "metrics" (false; true adds
      the count of hits to every step), "foreach" (null: torch's choice); "net" may also be
      {"inputs", "hidden", "layers", "classes", "activation": "elu" | "relu" | "linear"}: `layers`
      hidden layers of `hidden` units and an output layer
      -> {"event": "init", "parameters", "batch", "threads", "net", "images"}

  {"cmd": "steps", "count": N}
      N whole train steps: gather a shuffled batch from the resident bytes and cast it to float32,
      zero_grad, forward, cross-entropy from logits, backward, NAdam (eager). The loss is summed in
      a tensor, as a loop that reports epoch means does.
      -> {"event": "steps", "seconds", "perStep": [ms, ...], "loss": mean}

  {"cmd": "epochs", "data": DIR, "seed": 0, "epochs": 5}
      trains the ELU net on CIFAR-10 as the exercise does: first 5,000 images for validation, the
      rest shuffled each epoch, batch 32 (the last of 8), he_normal, loss from logits.
      optional: "batch", "threads", "learningRate"
      -> {"event": "epoch", "seed", "epoch", "loss", "accuracy", "valLoss", "valAccuracy",
          "seconds", "msPerStep"} for each epoch, then {"event": "result", "seed", "epochs",
          "history": {"loss": [...], "accuracy", "valLoss", "valAccuracy"}}

The caller must leave OPENBLAS_CORETYPE, OMP_NUM_THREADS and MKL_NUM_THREADS unset.
"""

import json
import os
import platform
import sys
import time

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import nets


def answer(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def processor():
    """The processor's name where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


class Bench:
    """A net, its optimizer and a resident set of random images, made by `init`."""

    def __init__(self, command):
        torch.set_num_threads(command.get("threads", 1))
        net = command.get("net", "elu")
        self.net = {"elu": nets.ELU_NET, "bn": nets.BN_NET}.get(net, net) if isinstance(net, str) else net
        self.batch = command.get("batch", 32)
        self.metrics = command.get("metrics", False)
        images = command.get("images", 10000)
        if self.batch > images:
            raise ValueError(f"batch {self.batch} is larger than the {images} images")
        self.generator = torch.Generator().manual_seed(command.get("seed", 0))
        self.x = torch.randint(
            0, 256, (images, self.net["inputs"]), dtype=torch.uint8, generator=self.generator
        )
        self.y = torch.randint(0, self.net["classes"], (images,), generator=self.generator)
        self.model = nets.build_net(self.net)
        nets.initialize(self.model, self.generator)
        self.optimizer = nets.nadam(
            self.model.parameters(), command.get("learningRate", 5e-5), command.get("foreach")
        )
        self.order = torch.randperm(images, generator=self.generator)
        self.next = 0
        self.hits = torch.zeros((), dtype=torch.int64)

    def rows(self):
        """The indices of the next batch; a remainder is left out and the rows shuffled again."""
        if self.next + self.batch > len(self.order):
            self.order = torch.randperm(len(self.order), generator=self.generator)
            self.next = 0
        rows = self.order[self.next : self.next + self.batch]
        self.next += self.batch
        return rows

    def steps(self, count):
        total = torch.zeros(())
        marks = [time.perf_counter_ns()]
        for _ in range(count):
            rows = self.rows()
            x = self.x[rows].to(torch.float32)
            y = self.y[rows]
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = cross_entropy(logits, y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            if self.metrics:
                self.hits += (logits.detach().argmax(1) == y).sum()
            marks.append(time.perf_counter_ns())
        per_step = [round((b - a) / 1e6, 4) for a, b in zip(marks, marks[1:])]
        answer(
            "steps",
            seconds=(marks[-1] - marks[0]) / 1e9,
            perStep=per_step,
            loss=total.item() / max(count, 1),
        )


def init(command):
    bench = Bench(command)
    answer(
        "init",
        parameters=sum(p.numel() for p in bench.model.parameters()),
        batch=bench.batch,
        threads=torch.get_num_threads(),
        net=bench.net,
        images=len(bench.x),
    )
    return bench


def info():
    answer(
        "info",
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        threads=torch.get_num_threads(),
        interopThreads=torch.get_num_interop_threads(),
        cpu=processor(),
        capability=torch.backends.cpu.get_cpu_capability(),
        parallel=torch.__config__.parallel_info(),
        config=torch.__config__.show(),
        openblasCoretype=os.environ.get("OPENBLAS_CORETYPE"),
    )


def evaluate(model, x, y):
    """(mean loss, accuracy) over all rows."""
    loss, hits = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(x), 1000):
            logits = model(x[start : start + 1000].to(torch.float32))
            labels = y[start : start + 1000]
            loss += cross_entropy(logits, labels, reduction="sum").item()
            hits += (logits.argmax(1) == labels).sum().item()
    return loss / len(x), hits / len(x)


def epochs(command):
    torch.set_num_threads(command.get("threads", 1))
    batch = command.get("batch", 32)
    seed = command["seed"]
    count = command["epochs"]
    (x, y), validation = nets.read_cifar_training(command["data"])
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    val_x, val_y = (torch.from_numpy(array) for array in validation)
    generator = torch.Generator().manual_seed(seed)
    model = nets.build_net(nets.ELU_NET)
    nets.initialize(model, generator)
    optimizer = nets.nadam(model.parameters(), command.get("learningRate", 5e-5))
    history = {"loss": [], "accuracy": [], "valLoss": [], "valAccuracy": []}
    for epoch in range(1, count + 1):
        start = time.perf_counter()
        # Sums in double: the epoch's figures are means over samples, as in Keras's history.
        loss_sum = torch.zeros((), dtype=torch.float64)
        hits = torch.zeros((), dtype=torch.int64)
        order = torch.randperm(len(x), generator=generator)
        steps = 0
        for first in range(0, len(x), batch):
            rows = order[first : first + batch]
            labels = y[rows]
            optimizer.zero_grad()
            logits = model(x[rows].to(torch.float32))
            loss = cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach().double() * len(rows)
            hits += (logits.detach().argmax(1) == labels).sum()
            steps += 1
        seconds = time.perf_counter() - start
        val_loss, val_accuracy = evaluate(model, val_x, val_y)
        row = {
            "loss": loss_sum.item() / len(x),
            "accuracy": hits.item() / len(x),
            "valLoss": val_loss,
            "valAccuracy": val_accuracy,
        }
        for key, value in row.items():
            history[key].append(value)
        answer(
            "epoch",
            seed=seed,
            epoch=epoch,
            **row,
            seconds=seconds,
            msPerStep=seconds / steps * 1000,
        )
    answer("result", seed=seed, epochs=count, history=history)


def main():
    bench = None
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            command = json.loads(line)
            name = command["cmd"]
            if name == "info":
                info()
            elif name == "init":
                bench = init(command)
            elif name == "steps":
                if bench is None:
                    raise ValueError("steps comes after init")
                bench.steps(command["count"])
            elif name == "epochs":
                epochs(command)
            else:
                raise ValueError(f"unknown cmd {name!r}; known: info, init, steps, epochs")
        except Exception as error:  # The process outlives a bad command: the caller sees its cause.
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    main()
