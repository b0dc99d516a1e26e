"""The table of figures, as it is printed and as it stands in docs/performance.md."""

import re

from house.machine import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
HEAD = "| what | connections | a second | ratio to {base} | p50 | p99 | p99 / its p99 | CPU a call |\n| --- | --: | --: | --: | --: | --: | --: | --: |"


def rate_table(results):
    """Figures of servers that were asked in turn; the first one is what the others are held against."""
    lines = [HEAD.format(base=results[0].base)]
    for one in results:
        cells = [
            one.name,
            str(one.connections),
            _range(one.rate, lambda value: f"{value:,.0f}"),
            _range(one.ratio, lambda value, digits=2 if one.ratio[0] >= 0.1 else 3: f"{value:.{digits}f}"),
            _time(one.p50[0]),
            _time(one.p99[0]),
            f"{one.slower[0]:.1f}",
            f"{one.cpu[0] * 1e6:.1f} µs",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plain_table(rows):
    """Figures that are no rates: what, the figure, what it is held against."""
    lines = ["| what | figure | beside it |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def write(tables):
    """Puts tables between their marks in docs/performance.md; those of other selections stay as they are."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not marked.search(text):
            raise SystemExit(f"{DOCUMENT.name} has no place for {name}")
        text = marked.sub(lambda _, new=f"{begin}\n{table}\n{end}": new, text)
    DOCUMENT.write_text(text, encoding="utf-8")


def _range(found, shown):
    median, least, most = found
    return f"{shown(median)} ({shown(least)}..{shown(most)})"


def _time(seconds):
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
