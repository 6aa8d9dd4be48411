"""The cactus plot as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

# Okabe and Ito's colours, which the colour-blind can tell apart, and a style for each round through them.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
STYLES = ("-", "--", ":")


def draw_cactus(series: Mapping[str, Sequence[float]], time_limit: float, path: Path) -> None:
    """Draw how many cases (across) each contestant solves within how many seconds (up, logarithmic)."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    ranked = sorted(series.items(), key=lambda item: (-len(item[1]), sum(item[1])))
    for i, (name, seconds) in enumerate(ranked):
        colour, style = COLOURS[i % len(COLOURS)], STYLES[i // len(COLOURS) % len(STYLES)]
        across = range(1, len(seconds) + 1)
        axes.plot(across, seconds, style, marker=".", color=colour, label=f"{name} ({len(seconds)})")
    axes.axhline(time_limit, color="#999999", linewidth=0.8)
    axes.set(yscale="log", xlabel="cases solved", ylabel="seconds", xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(frameon=False, fontsize=9, loc="outside right upper")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
