"""A table of figures: each row has the metric, its value, how many rows it stands on, its interval and the constant predictor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InputError, unknown_name
from .intervals import wilson

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        metric: name with everything that decides the number ("CCC(ddof=0, per video)", "NME(inter-ocular)").
        value: the figure; NaN where it could not be told.
        n: how many rows it stands on.
        constant: what the constant predictor reaches in the same metric (:mod:`mien.metrics.constant`); NaN where no constant
            makes sense or the metric cannot tell, which has to be written, not left away.
        low: lower end of the 95 % interval; NaN when unknown.
        high: upper end.

    Raises:
        InputError: no name, negative n, or low above high.

    Example:
        >>> Row("UAR", 0.61, 3068, constant=0.143).record()
        {'metric': 'UAR', 'value': 0.61, 'n': 3068, 'low': None, 'high': None, 'constant': 0.143}
    """

    metric: str
    value: float
    n: int
    constant: float
    low: float = NAN
    high: float = NAN

    def __post_init__(self) -> None:
        if not self.metric:
            raise InputError("a row without the name of its metric", "a name such as 'UAR'")
        if self.n < 0:
            raise InputError(f"{self.metric}: n is {self.n}", "0 or more")
        if self.low > self.high:
            raise InputError(f"{self.metric}: the interval is {self.low:g} to {self.high:g}", "low at most high")

    def record(self) -> dict[str, str | int | float | None]:
        """The row for JSON or a tidy table: NaN becomes None, an empty cell."""
        cells = {"value": self.value, "n": self.n, "low": self.low, "high": self.high, "constant": self.constant}
        return {"metric": self.metric, **{name: None if math.isnan(cell) else cell for name, cell in cells.items()}}


def share_row(metric: str, hits: int, total: int, constant: float) -> Row:
    """The row of a share, with its Wilson interval.

    Raises:
        InputError: not 0 <= hits <= total.

    Example:
        >>> row = share_row("accuracy", 95, 100, constant=0.6)
        >>> row.value, round(row.low, 3), round(row.high, 3)
        (0.95, 0.888, 0.978)
    """
    if not 0 <= hits <= total:
        raise InputError(f"{metric}: {hits} hits of {total}", "0 <= hits <= total")
    low, high = wilson(hits, total)
    return Row(metric, hits / total if total else NAN, total, constant, low, high)


@dataclass(frozen=True)
class Table:
    """The figures of one protocol.

    Args:
        protocol: what was judged on what ("dfew/5-fold").
        rows: the figures; no metric twice.

    Raises:
        InputError: a metric twice.

    Example:
        >>> print(Table("fer2013/test", (Row("UAR", 0.61, 3589, constant=0.143, low=0.59, high=0.63),)).markdown())
        | metric | value | 95 % interval | constant | n |
        |---|---|---|---|---|
        | UAR | 0.610 | 0.590 to 0.630 | 0.143 | 3589 |
    """

    protocol: str
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        names = [row.metric for row in self.rows]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{self.protocol}: {', '.join(twice)} twice", "one row for each metric")

    def __getitem__(self, metric: str) -> Row:
        """The row of a metric; an unknown one lists the nearest."""
        for row in self.rows:
            if row.metric == metric:
                return row
        raise unknown_name("metric", metric, [row.metric for row in self.rows])

    def records(self) -> list[dict[str, str | int | float | None]]:
        """One dict per row, with the protocol, for JSON or a tidy table."""
        return [{"protocol": self.protocol, **row.record()} for row in self.rows]

    def markdown(self, digits: int = 3) -> str:
        """The table in Markdown; what could not be told is an empty cell."""
        lines = ["| metric | value | 95 % interval | constant | n |", "|---|---|---|---|---|"]
        for row in self.rows:
            value, low, high, constant = (
                "" if math.isnan(cell) else f"{cell:.{digits}f}" for cell in (row.value, row.low, row.high, row.constant)
            )
            span = f"{low} to {high}" if low and high else ""
            lines.append(f"| {row.metric} | {value} | {span} | {constant} | {row.n} |")
        return "\n".join(lines)
