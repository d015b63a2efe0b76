"""The chart of one place over time."""

from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    DatetimeTicker,
    DatetimeTickFormatter,
    HoverTool,
    NumeralTickFormatter,
)
from bokeh.models.annotations import Span, Title
from bokeh.plotting import figure

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_INK = {"light": ("#18212c", "#5b6875", "#e3e8ed", "#1f6feb"), "dark": ("#e8edf3", "#a3b0be", "#2a3442", "#6cb0ff")}
_FONT = "Inter, Segoe UI, Roboto, PingFang SC, Noto Sans CJK SC, Microsoft YaHei, Noto Sans, sans-serif"


class CourseChart:
    """A line over the clock with a mark at the time shown.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        Local wall-clock times.
    """

    def __init__(self, times: "pd.DatetimeIndex") -> None:
        self.times = times
        self.data = ColumnDataSource({"time": times.to_numpy(), "value": np.full(len(times), np.nan)})
        self.mark = Span(dimension="height", line_width=1.5, line_dash=[4, 3])
        self.title = Title(text_font=_FONT, text_font_size="12px", text_font_style="normal")
        self.figure = figure(
            title=self.title,
            height=176,
            sizing_mode="stretch_width",
            x_axis_type="datetime",
            toolbar_location=None,
            tools="",
            background_fill_alpha=0,
            border_fill_alpha=0,
            outline_line_alpha=0,
            min_border_left=8,
            min_border_right=12,
        )
        self.area = self.figure.varea("time", y1="value", y2=0, source=self.data, fill_alpha=0.14)
        self.line = self.figure.line("time", "value", source=self.data, line_width=2)
        self.figure.add_layout(self.mark)
        self.hover = HoverTool(
            renderers=[self.line],
            mode="vline",
            tooltips=[("", "@time{%H:%M}  @value{0.[00]}")],
            formatters={"@time": "datetime"},
        )
        self.figure.add_tools(self.hover)
        self._dress_once()

    def show(self, values: "NDArray[np.float64]", *, title: str, step: int, theme: str) -> None:
        """Show a course.

        Parameters
        ----------
        values : ndarray of float
            Shape (steps,); NaN leaves a gap.
        title : str
            Variable and unit.
        step : int
            Step to mark.
        theme : {"light", "dark"}
            Colours of axes and line.
        """
        ink, muted, grid, accent = _INK[theme]
        self.data.data = {"time": self.times.to_numpy(), "value": values}
        self.title.update(text=title, text_color=muted)
        self.line.glyph.line_color = self.area.glyph.fill_color = accent
        self.mark.line_color = ink
        for axis in self.figure.axis:
            axis.major_label_text_color = muted
        self.figure.xaxis.axis_line_color = grid
        self.figure.grid.grid_line_color = grid
        self.move(step)

    def move(self, step: int) -> None:
        """Put the mark at a step.

        Parameters
        ----------
        step : int
            Index of the step.
        """
        self.mark.location = self.times[min(step, len(self.times) - 1)].timestamp() * 1000

    def _dress_once(self) -> None:
        plot = self.figure
        plot.xgrid.visible = False
        for axis in plot.axis:
            axis.major_label_text_font, axis.major_label_text_font_size = _FONT, "11px"
            axis.major_tick_line_color = axis.minor_tick_line_color = None
        plot.yaxis.axis_line_color = None
        plot.yaxis.ticker = BasicTicker(desired_num_ticks=4)
        plot.xaxis.ticker = DatetimeTicker(desired_num_ticks=5)
        plot.yaxis.formatter = NumeralTickFormatter(format="0.[00]")
        clock = "%H:%M"
        one_day = len({stamp.date() for stamp in self.times}) == 1
        plot.xaxis.formatter = DatetimeTickFormatter(
            minutes=clock,
            hourmin=clock,
            hours=clock,
            days=clock if one_day else "%d.%m.",
            microseconds=clock,
            milliseconds=clock,
            seconds=clock,
        )
