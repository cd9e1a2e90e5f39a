"""The plots of the overview, as PNG files small enough to live in metadata.

Mid-tones on a transparent ground, so that they read as well in the UI's light theme as in its dark
one. Only the overview imports this: matplotlib takes half a second, which no job of a customer
shall pay.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from PIL import Image

from quel_dagster.services.path_hours import HOUR, PathHour

INK = "#848d99"
"""Of all that is written: between the grounds of both themes."""
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "completed": ("completed", "#35a271"),
    "partly_completed": ("in part", "#d6a43c"),
    "failed": ("failed", "#d9594c"),
    "cancelled": ("cancelled", "#8d96a3"),
}
COUNTED = (*OUTCOMES, "arrived")
ARRIVED = "#4a8fe0"
WAIT, RUN = "#a86fd6", "#2ba3ad"
COLUMNS = 3
COLOURS = 64
"""A plot with so many colours takes a third of the bytes, and nobody sees it."""
TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 36000: "10 h"}

Hours = Mapping[str, Sequence[PathHour]]
"""The hours of each path; those in which nothing was counted are missing."""


def outcomes(hours: Hours, begin: datetime, until: datetime, width: int = 1) -> bytes:
    """For each path, how its jobs ended, and as a line how many arrived, by `width` hours."""
    figure, axes = grid(hours, begin, until)
    for path, each in zip(hours, axes, strict=True):
        bars = buckets(hours[path], width)
        moments = [float(dates.date2num(start + width * HOUR / 2)) for start in bars]
        floor = [0] * len(moments)
        for name, (label, colour) in OUTCOMES.items():
            counts = [bar[name] for bar in bars.values()]
            each.bar(moments, counts, 0.86 * width / 24, bottom=floor, color=colour, label=label)
            floor = [below + count for below, count in zip(floor, counts, strict=True)]
        arrived = [bar["arrived"] for bar in bars.values()]
        each.step(moments, arrived, where="mid", color=ARRIVED, linewidth=1.3, label="arrived")
        each.set_ylim(0, max([4, *floor, *arrived]) * 1.12)
        each.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return as_png(figure, axes)


def buckets(hours: Sequence[PathHour], width: int) -> dict[datetime, Counter[str]]:
    """Sums of `width` hours, by when they begin."""
    sums: dict[datetime, Counter[str]] = {}
    for each in hours:
        begin = each.hour - each.hour.hour % width * HOUR
        sums.setdefault(begin, Counter()).update({n: getattr(each, n) for n in COUNTED})
    return sums


def spans(hours: Hours, begin: datetime, until: datetime) -> bytes:
    """For each path, the 95th percentile of wait and of run time in each hour."""
    figure, axes = grid(hours, begin, until)
    for path, each in zip(hours, axes, strict=True):
        moments = [float(dates.date2num(hour.hour + HOUR / 2)) for hour in hours[path]]
        for label, colour, values in (
            ("95 % waited less than", WAIT, [hour.wait_p95 for hour in hours[path]]),
            ("95 % ran less than", RUN, [hour.run_p95 for hour in hours[path]]),
        ):
            shown = [float("nan") if value is None else max(value, 1.0) for value in values]
            each.plot(
                moments, shown, "o-", color=colour, linewidth=1.3, markersize=2.5, label=label
            )
        each.set_yscale("log")
        each.set_ylim(0.8, 90_000)
        each.set_yticks(list(TICKS))
        each.yaxis.set_minor_locator(NullLocator())
        each.yaxis.set_major_formatter(FuncFormatter(in_words))
    return as_png(figure, axes)


def grid(hours: Hours, begin: datetime, until: datetime) -> tuple[Figure, list[Axes]]:
    """A figure with a small plot for each path, all over the same time."""
    rows = -(-len(hours) // COLUMNS)
    figure = Figure(figsize=(10.4, 0.5 + 1.75 * rows), dpi=100)
    figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.06)
    FigureCanvasAgg(figure)
    places = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).flat
    axes = [next(places) for _ in hours]
    for unused in places:
        unused.set_visible(False)
    locator = dates.AutoDateLocator(minticks=3, maxticks=6)
    for path, each in zip(hours, axes, strict=True):
        each.set_title(path, color=INK, fontsize=10, loc="left", fontweight="bold", pad=4)
        each.set_facecolor("none")
        each.grid(visible=True, axis="y", color=INK, alpha=0.22, linewidth=0.6)
        each.tick_params(colors=INK, labelsize=8, length=0, labelbottom=True)
        each.spines[:].set_visible(False)
        each.spines["bottom"].set(visible=True, color=INK, alpha=0.5)
        each.set_axisbelow(True)
        each.set_xlim(begin, until)
        each.xaxis.set_major_locator(locator)
        short = until - begin <= timedelta(days=2)
        each.xaxis.set_major_formatter(dates.DateFormatter("%H:%M" if short else "%a %d"))
    return figure, axes


def in_words(seconds: float, _position: int) -> str:
    """What stands at a tick."""
    return TICKS.get(round(seconds), "")


def as_png(figure: Figure, axes: Sequence[Axes]) -> bytes:
    """The figure with one legend for all its plots, in few colours."""
    handles, labels = axes[0].get_legend_handles_labels()
    place = "outside lower center"
    figure.legend(
        handles, labels, loc=place, ncols=len(labels), frameon=False, labelcolor=INK, fontsize=8.5
    )
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    packed = io.BytesIO()
    with Image.open(drawn) as image:
        few = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
        few.save(packed, format="png", optimize=True)
    return packed.getvalue()
