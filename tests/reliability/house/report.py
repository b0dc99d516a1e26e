"""The runs, and the table of their figures in docs/reliability.md."""

import re
import traceback

from .machine import ROOT, Broken

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = "| fault | what was done | what must be true | figures |\n| --- | --- | --- | --- |"

RUNS = {}


class Run:
    """One fault: what is done and what must be true, in words, and the function that does it and prints figures."""

    def __init__(self, identifier, done, must_hold, function):
        self.id, self.done, self.must_hold, self.function = identifier, done, must_hold, function


def fault(identifier, done, must_hold):
    """Makes a function the run of a fault. It is given `Options` and answers with the text of its figures."""

    def register(function):
        if identifier in RUNS:
            raise ValueError(f"{identifier} is there twice")
        RUNS[identifier] = Run(identifier, done, must_hold, function)
        return function

    return register


def perform(run, options):
    """Runs it and answers with its figures; nothing where something did not hold."""
    try:
        figures = run.function(options)
    except Broken as error:
        print(f"{run.id} FAILED: {error}", flush=True)
        return None
    except Exception:
        print(f"{run.id} FAILED: the run itself broke\n{traceback.format_exc()}", flush=True)
        return None
    print(f"{run.id}: {figures}", flush=True)
    return figures


def write(figures):
    """Puts figures into the table, and leaves the lines of other faults as they are."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = {found[1]: line for line in table.splitlines() if (found := re.match(r"\| (R\d\d[a-z]?) ", line))}
    for identifier, text in figures.items():
        run = RUNS[identifier]
        lines[identifier] = "| " + " | ".join(_cell(part) for part in (identifier, run.done, run.must_hold, text)) + " |"
    rows = "\n".join(lines[identifier] for identifier in sorted(lines))
    DOCUMENT.write_text(f"{before}{BEGIN}\n{HEAD}\n{rows}\n{END}{after}", encoding="utf-8")


def _cell(text):
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")
