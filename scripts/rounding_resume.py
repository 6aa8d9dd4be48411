"""A large model rounded in one go, and again by a run that is killed half-way and goes on from its journal.

The model has convolutions and products with random weights; its calibration data are random, too, with few
directions that matter, as real data have. ``qnnt round`` is run as a program: once as it is; then with
``--journal``, killed (-9) when half of the layers are noted and the next one is at work; then the same
command again. The table tells seconds, seconds of processor time, and the greatest sum of the resident memory
of all its processes. Both files have to be the same to the byte.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import typer
from graph_models import build, node, weights

from qnnt.cli.program import FAILED, OK, run
from qnnt.exceptions import QnntError

POLL = 0.05  # seconds between two looks at the memory and the journal
SIZE = 8  # of the images
PAGE = os.sysconf("SC_PAGE_SIZE")

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Ran:
    """What a run took: seconds, processor time, and bytes of memory at the most."""

    seconds: float
    processor: float
    memory: int

    def line(self, name: str) -> str:
        """As a line of a table."""
        return f"| {name} | {self.seconds:.1f} | {self.processor:.1f} | {self.memory / 2**20:,.0f} |"


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Gets model, data, journal and results.")],
    megabytes: Annotated[float, typer.Option(metavar="MB", help="Size of the model, in float32.")] = 20.0,
    backend: Annotated[str, typer.Option(metavar="NAME", help="One that no clock cuts short.")] = "gptq",
    bits: Annotated[str, typer.Option(metavar="B", help="Bits of a weight.")] = "4",
    calibration: Annotated[int, typer.Option(metavar="N", help="Images to calibrate on.")] = 512,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of each run.")] = 2,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the weights and the images.")] = 0,
    options: Annotated[str, typer.Option(metavar="WORDS", help="More options of qnnt round.")] = "",
) -> int:
    """Make the model, round it twice, and compare."""
    folder.mkdir(parents=True, exist_ok=True)
    model, data, journal = (folder / name for name in ("real.onnx", "images.npy", "journal.jsonl"))
    real = large(megabytes, seed)
    onnx.save(real, model)
    rng = np.random.default_rng(seed)
    np.save(data, images(rng, calibration))
    journal.unlink(missing_ok=True)
    layers = sum(n.op_type in ("Conv", "Gemm", "MatMul") for n in real.graph.node)
    command = [sys.executable, "-m", "qnnt", "round", str(model), "--calibration", str(data), "--bits", bits]
    command += ["--backend", backend, "--row-time", "1000", "--threads", str(threads), *options.split()]
    print(f"{model.stat().st_size:,} bytes, {layers} layers, {calibration:,} images\n", flush=True)
    print("| run | seconds | processor | MiB |\n|---|---|---|---|", flush=True)
    whole, resumed = folder / "whole.onnx", folder / "resumed.onnx"
    ran, _ = watched([*command, "-o", str(whole)])
    print(ran.line("in one go"), flush=True)
    again = [*command, "--journal", str(journal), "-o", str(resumed)]
    ran, killed = watched(again, journal, layers // 2)
    if not killed:
        raise QnntError("the run ended before it could be killed: take a larger model")
    print(ran.line(f"killed after {noted(journal)} of {layers} layers"), flush=True)
    ran, _ = watched(again)
    print(ran.line("the rest"), flush=True)
    same = whole.read_bytes() == resumed.read_bytes()
    print(f"\n{whole.stat().st_size:,} bytes; the two files are {'the same' if same else 'DIFFERENT'}")
    return OK if same else FAILED


def large(megabytes: float, seed: int) -> onnx.ModelProto:
    """Three convolutions, the mean over all positions, five products: images (N, 16, 8, 8) to scores."""
    rng = np.random.default_rng(seed)
    # With a channels and d neurons, half of the weights are in products d × d.
    total = megabytes * 1e6 / 4
    d = max(round((total / 5) ** 0.5), 4)
    a = max(round((total / 6 / 18) ** 0.5), 2)
    shapes = {"c0": (a, 16, 3, 3), "c1": (a, a, 3, 3), "c2": (a, a, 3, 3), "g": (d, a)}
    shapes |= {f"m{i}": (d, d) for i in range(3)}
    last = round((total - sum(int(np.prod(shape)) for shape in shapes.values())) / d)
    shapes["h"] = (d, max(last, 2))
    nodes = [
        node("Conv", "image c0", "conv0", pads=[1] * 4),
        node("Relu", "conv0", "relu0"),
        node("Conv", "relu0 c1", "conv1", pads=[1] * 4, strides=[2, 2]),
        node("Relu", "conv1", "relu1"),
        node("Conv", "relu1 c2", "conv2", pads=[1] * 4),
        node("Relu", "conv2", "relu2"),
        node("GlobalAveragePool", "relu2", "pool"),
        node("Flatten", "pool", "flat"),
        node("Gemm", "flat g", "dense", transB=1),
        node("Relu", "dense", "act0"),
    ]
    for i in range(3):
        nodes += [node("MatMul", f"act{i} m{i}", f"product{i}"), node("Relu", f"product{i}", f"act{i + 1}")]
    nodes.append(node("MatMul", "act3 h", "scores"))
    constants = {name: weights(rng, *shape) * np.float32(1.4) for name, shape in shapes.items()}
    outputs = {"scores": ["N", shapes["h"][1]]}
    return build(nodes, constants, {"image": ["N", 16, SIZE, SIZE]}, outputs)


def images(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 16, SIZE, SIZE) values that lie near a space of 64 dimensions."""
    mix = rng.normal(size=(64, 16 * SIZE * SIZE))
    noise = rng.normal(size=(count, 16 * SIZE * SIZE))
    return (rng.normal(size=(count, 64)) @ mix / 8 + noise / 4).reshape(-1, 16, SIZE, SIZE).astype("f4")


def watched(command: list[str], journal: Path | None = None, layers: int = 0) -> tuple[Ran, bool]:
    """Run a command to its end, or kill it once the journal has so many layers and the next one has begun.

    Also whether it was killed. Raises :class:`QnntError` for a command that fails.
    """
    begin, before = time.perf_counter(), os.times()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    memory, killed = 0, False
    try:
        while process.poll() is None and not killed:
            memory = max(memory, resident(process.pid))
            killed = journal is not None and noted(journal) >= layers
            time.sleep(POLL)
    finally:  # Ctrl-C, too
        process.kill()
        process.wait()
    if not killed and process.returncode:
        raise QnntError(f"{' '.join(command)} ended with status {process.returncode}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(time.perf_counter() - begin, used, memory), killed


def noted(journal: Path) -> int:
    """How many layers a journal holds."""
    return journal.read_bytes().count(b'"layer":') if journal.exists() else 0


def resident(pid: int) -> int:
    """Bytes of resident memory of a process and all that it started."""
    total, waiting = 0, [pid]
    while waiting:
        own = Path(f"/proc/{waiting.pop()}")
        try:
            total += int((own / "statm").read_text().split()[1]) * PAGE
            for task in (own / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:  # it ended
            continue
    return total


if __name__ == "__main__":
    raise SystemExit(run(app, "rounding_resume"))
