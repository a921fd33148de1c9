# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of figures: rows of samples by kind (none: bare machine, xen, hospes), run by run, and what is printed of them."""
import statistics

KINDS = ("none", "xen", "hospes")


class Row:
    """runs: {kind: [samples of run 1, samples of run 2, ...]}.  bar: the project promised to be no worse than Xen here."""

    def __init__(self, bar=False, runs=None):
        self.bar, self.runs = bar, runs or {}

    def add(self, kind, samples):
        self.runs.setdefault(kind, []).append(list(samples))

    def samples(self, kind):
        return [value for run in self.runs.get(kind, ()) for value in run]

    def median(self, kind):
        samples = self.samples(kind)
        return statistics.median(samples) if samples else None

    def ratio(self):
        """Hospes/Xen of the medians, or None."""
        xen, hospes = self.median("xen"), self.median("hospes")
        return hospes / xen if xen and hospes is not None else None

    def ratio_spread(self):
        """(lowest, highest) of the runs' own ratios: the runs alternate, so the n-th of each belong together."""
        pairs = zip(self.runs.get("xen", ()), self.runs.get("hospes", ()))
        ratios = [statistics.median(h) / statistics.median(x) for x, h in pairs if x and h and statistics.median(x)]
        return (min(ratios), max(ratios)) if len(ratios) > 1 else None


class Table:
    """key: the part's name; note: how it was measured, one sentence or two."""

    def __init__(self, key, title, unit, note="", bars=(), rows=None, setup=None):
        """bars: {row: is it one}, where the rows' order matters"""
        self.key, self.title, self.unit, self.note, self.setup = key, title, unit, note, setup or {}
        self.rows = rows or {name: Row(bars[name]) for name in bars}

    def add(self, name, kind, *samples, bar=False):
        row = self.rows.setdefault(name, Row(bar))
        row.add(kind, samples)

    def as_json(self):
        rows = {name: {"bar": row.bar, **row.runs} for name, row in self.rows.items()}
        return {"title": self.title, "unit": self.unit, "note": self.note, "setup": self.setup, "rows": rows}

    @staticmethod
    def from_json(key, data):
        rows = {}
        for name, fields in data["rows"].items():
            rows[name] = Row(fields["bar"], {kind: fields[kind] for kind in KINDS if kind in fields})
        return Table(key, data["title"], data["unit"], data["note"], (), rows, data["setup"])


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value < 10 else f"{value:.1f}"


def cell(row, kind):
    """The median, and in [] the quartiles where they differ from it by half a percent."""
    samples, middle = row.samples(kind), row.median(kind)
    if len(samples) < 3:
        return number(middle)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    if high - low < 0.01 * abs(middle):
        return number(middle)
    return f"{number(middle)} [{number(low)}-{number(high)}]"


def ratio(row):
    """'0.53', with the runs' spread if there is one, and a mark if Hospes needs more than Xen."""
    value, spread = row.ratio(), row.ratio_spread()
    if value is None:
        return "-"
    text = f"{value:.2f}" if not 0.995 < value < 1.005 else f"{value:.4f}"
    if spread and spread[1] - spread[0] > 0.005:
        text += f" [{spread[0]:.2f}-{spread[1]:.2f}]"
    return text + (" >1" if value > 1 else "")


def show(table):
    print(f"\n{table.title} ({table.unit})")
    if table.note:
        print(f"  {table.note}")
    print(f"  {'':36}{'bare':>24}{'Xen':>24}{'Hospes':>24}   Hospes/Xen")
    for name, row in table.rows.items():
        cells = "".join(f"{cell(row, kind):>24}" for kind in KINDS)
        print(f"{'*' if row.bar else ' ':2}{name:36}{cells}   {ratio(row)}", flush=True)
