"""``qnnt round`` of an ONNX model, whose layers are rounded where they stand."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from qnnt.cli.options import executing
from qnnt.cli.output import print_columns
from qnnt.cli.program import FAILED
from qnnt.cli.round_options import RoundOptions, array, ended
from qnnt.exceptions import InputError, require_word
from qnnt.printable import printable
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.onnx_graphs.feeds import Feeds
    from qnnt.onnx_graphs.graph import Graph
    from qnnt.onnx_graphs.progress import GraphProgress
    from qnnt.onnx_graphs.rounded import RoundedGraph
    from qnnt.workers.executors import NamedExecutor

_REPLAYED = 4  # feeds whose integers are compared


def round_onnx(options: RoundOptions) -> tuple[dict[str, Any], int]:
    """Round the model; returns the report and the exit status."""
    from qnnt.limits import Limit
    from qnnt.onnx_graphs.feeds import read_data
    from qnnt.onnx_graphs.graph import Graph
    from qnnt.onnx_graphs.score import Score

    _check(options)
    real = Graph.load(options.model)
    evaluate, test, score = options.evaluate, None, None
    if evaluate is not None:
        test = read_data(evaluate[0], real.inputs)
        score = Score.of(real, test, array(evaluate[1]))
    feeds = read_data(options.calibration, real.inputs).drawn(
        count=options.calibration_size,
        share=options.calibration_share,
        seed=options.limits.seed,
        test=None if options.allow_overlap else test,
    )
    with executing(options.executor) as executor:
        rounded = _round(real, feeds, options, executor)
    if options.output is not None:  # before anything that Ctrl-C may end
        rounded.save(options.output)
    if rounded.limit is not Limit.INTERRUPT:
        rounded = rounded.with_moved(feeds, *([] if test is None else [test]), threads=options.limits.threads)
    about: dict[str, Any] = {"model": {"file": str(options.model)}, **rounded.report()}
    if score is not None:
        about["evaluation"] = score.compared(Graph(rounded.model))
    status = ended(rounded.limit, [m for la in rounded.layers for m in la.rows.row_limits], "row")
    if options.output is not None:
        from qnnt.verify.onnx_graph import replay_graph

        replay = replay_graph(options.output, rounded, islice(feeds, _REPLAYED))
        about["output"] = {"file": str(options.output), "replay": replay.as_dict()}
        status = status if replay.same else FAILED
    return about, status


def _check(options: RoundOptions) -> None:
    """Options that say something of dense networks only."""
    require_word("activations", options.activations or "float", ("float", "int8"))
    if options.output is not None and options.output.suffix != ".onnx":
        raise InputError(str(options.output), "must be named *.onnx: an ONNX model stays one")
    if options.certificates is not None:
        raise InputError("--certificates", "is for dense networks; an ONNX model has none")
    if options.target != "layer":
        require_word("target", options.target, ("layer", "network"))
        raise InputError("--target", "network is for dense networks; an ONNX model has layer")


def _round(real: Graph, feeds: Feeds, options: RoundOptions, executor: NamedExecutor | None) -> RoundedGraph:
    from qnnt.cli.progress import live_line
    from qnnt.onnx_graphs.run import round_graph

    news, bits = ["start"], options.bits
    with live_line(lambda: news) as watched:

        def hear(progress: GraphProgress) -> None:
            rows, share = progress.rows, progress.share
            place = f"layer {progress.layer + 1} of {progress.layers}"
            if rows is None:
                news[:] = ["bits", place, progress.name, f"{share:.0%} measured"]
                return
            left = (time.monotonic() - options.start) * (1 - share) / max(share, 1e-9)
            news[:] = [
                place,
                progress.name,
                f"{rows.done} of {rows.total} rows",
                f"cost {rows.cost:.4g}, nearest {rows.nearest_cost:.4g}",
                f"{share:.0%} of all weights, about {left:,.0f} s left",
            ]

        return round_graph(
            real.model,
            feeds,
            bits=None if bits is None or isinstance(bits, int) else bits,
            budget=options.budget,
            scheme=options.scheme(4, "row"),
            activations=options.activations or "float",  # type: ignore[arg-type] # checked above
            form=options.form,
            include=options.include,
            exclude=options.exclude,
            fold_batch_norm=options.fold_batch_norm,
            search_scales=options.search_scales,
            block_size=options.block_size,
            asymmetric=options.asymmetric,
            opset=options.opset,
            journal=options.journal,
            executor=executor,
            progress=hear if watched else None,
            **options.search,
        )


def show_graph(about: dict[str, Any]) -> None:
    """The report, as text."""
    layers, data = about["layers"], about["calibration"]
    weights = _scheme(layers)
    weights += ", searched" if about["search_scales"] else ""
    activations = about["activations"] + (f", {about['form']}" if about["form"] else "")
    drawn = f" of {data['of']:,} inputs, seed {data['seed']}" if "of" in data else " inputs"
    left_out = data.get("left_out")
    kept_apart = "" if left_out is None else f", {left_out:,} left out as test data"
    backend = f"{about['backend']} ({about['version']})" if about["version"] else about["backend"]
    before, after = (about[f"bytes_{when}"] for when in ("before", "after"))
    rows = [
        (
            "model",
            f"{printable(about['model']['file'])}, opset {about['opset']}, {count(len(layers), 'layer')}",
        ),
        ("scheme", f"weights {weights}; activations {activations}"),
        ("backend", backend),
        ("calibration", f"{data['size']:,}{drawn}{kept_apart}"),
        ("size", f"{before:,} bytes before, {after:,} after ({after / before:.1%})"),
    ]
    if about["folded"]:
        rows.append(("folded", ", ".join(about["folded"])))
    if about["excluded"]:
        rows.append(("left as they are", ", ".join(about["excluded"])))
    if "evaluation" in about:
        test = about["evaluation"]
        scores = f"{test['before']:.4f} before, {test['after']:.4f} after"
        rows.append((test["measure"], f"{scores}, on {test['inputs']:,} inputs"))
    if "output" in about:
        rows.append(("output", _written(about["output"])))
        rows += _kernels(about["output"]["replay"])
    print_columns(rows)
    head = ["layer", "kind", "rows", "inputs", "bits", "stored", "bytes", "nearest cost", "GPTQ cost", "cost"]
    head += ["lower bound", "at most left", "proved", "seconds"]
    head += ["outputs move"] if "moved" in layers[0] else []
    head += ["on test data"] if "moved_eval" in layers[0] else []
    print_columns([tuple(head), *map(_line, layers)])
    if about["allocation"] is not None:
        _show_allocation(about["allocation"])
    for skipped in about["skipped"]:
        print(printable(f"  skipped {skipped['kind']} {skipped['name']}: {skipped['reason']}"))


def _line(layer: dict[str, Any]) -> tuple[str, ...]:
    """A layer in the table."""
    groups = f" in {layer['groups']} groups" if layer["groups"] > 1 else ""
    return (
        layer["name"],
        layer["kind"] + groups,
        f"{layer['rows']:,}",
        f"{layer['inputs']:,}",
        f"{layer['bits']}",
        layer["stored"],
        f"{layer['bytes_before']:,} to {layer['bytes_after']:,}",
        *(f"{layer[key]:.6g}" for key in ("nearest_cost", "gptq_cost", "cost", "lower_bound")),
        f"{layer['most_left']:.1%}",
        f"{layer['proved']:,}",
        f"{layer['seconds']:.2f}",
        *(_moved(layer[key]) for key in ("moved", "moved_eval") if key in layer),
    )


def _scheme(layers: list[dict[str, Any]]) -> str:
    """How weights are stored."""
    bits = sorted({layer["bits"] for layer in layers})
    listed = f"int{bits[0]}" if len(bits) == 1 else " ".join(["int", ", ".join(map(str, bits))])
    per = " or ".join(dict.fromkeys(layer["per"] for layer in layers))
    return f"{listed}, {layers[0]['scaling']}, one scale per {per}"


def _show_allocation(allocation: dict[str, Any]) -> None:
    """What each number of bits does to each layer alone, with a star at the one that it got."""
    layers = allocation["layers"]
    sizes = f"at most {allocation['at_most']:,} of {allocation['budget']:,} bytes"
    proved = "no other choice moves less" if allocation["proved"] else "found in a minute"
    print(f"  bits: {sizes} (the smallest file: {allocation['smallest']:,}); {proved}, if the moves add up")
    choices = sorted({choice["bits"] for layer in layers for choice in layer["choices"]})
    lines = []
    for layer in layers:
        cells = dict.fromkeys(choices, "")  # a layer may lack some: their sums would not be exact
        for choice in layer["choices"]:
            star, estimated = "*" * (choice["bits"] == layer["bits"]), "~" * choice["estimated"]
            cells[choice["bits"]] = _moved(choice["moved"]) + estimated + star
        lines.append((layer["name"], *cells.values()))
    print_columns([("outputs move by", *(f"int{bits}" for bits in choices)), *lines])
    if any(choice["estimated"] for layer in layers for choice in layer["choices"]):
        print("  ~ estimated by the layer's own cost, as half of the time was over")


def _moved(value: float) -> str:
    return f"{value:.3g}"


def _written(output: dict[str, Any]) -> str:
    replay = output["replay"]
    run = f"{replay['differing_weights']:,} of {count(replay['weights'], 'weight')} differ"
    if replay["integers"]:
        run += f", {replay['differing']:,} of {count(replay['integers'], 'other integer')}"
    return f"{printable(output['file'])}; in onnxruntime {replay['onnxruntime']}, {run}"


def _kernels(replay: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines on outputs that onnxruntime computes otherwise than with floats in place of the integers."""
    from qnnt.onnx_graphs.graph import FLOATS_STAY
    from qnnt.verify.onnx_graph import LAST_BITS

    plain, usual = replay["outputs_differ"], replay["kernels_moved"]
    lines = []
    if plain >= LAST_BITS:
        lines.append(("wrong", f"onnxruntime computes other outputs than with floats, by {_moved(plain)}"))
    elif usual >= LAST_BITS:
        by = f"outputs move by {_moved(usual)} with its usual options"
        lines.append(("onnxruntime", f"{by}: inputs of 8 bits; {FLOATS_STAY}=1 keeps floats"))
    return lines
