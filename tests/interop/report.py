"""Counts the result of each reader for each case, and compares it with the known facts."""

import dataclasses

from known import KNOWN, MISREAD, REFUSED, known_about

RIGHT = "right"
SHOWN = 20


@dataclasses.dataclass
class Row:
    version: str
    cases: int = 0
    refused: int = 0
    misread: int = 0
    failed: int = 0


class Report:
    def __init__(self):
        self.rows = {}
        self.failures = []

    def reader(self, name, version):
        self.rows[name] = Row(version)

    def record(self, reader, way, case, is_of, refused=False, detail=""):
        """Counts one answer. `is_of` returns whether the answer is right for a case."""
        row = self.rows[reader]
        row.cases += 1
        known = known_about(reader, way, case)
        expected = known.outcome if known else RIGHT
        if refused:
            outcome = REFUSED
        elif known and known.taken_for and is_of(known.taken_for(case)):
            outcome = MISREAD
        else:
            outcome = RIGHT if is_of(case) else "misread in an unknown way"
        if outcome != expected:
            row.failed += 1
            self.failures.append(f"{reader}, {way}: {outcome}, expected {expected}: {case.about}: {detail}: {case}")
        elif known:
            known.met += 1
            setattr(row, outcome, getattr(row, outcome) + 1)

    def finish(self):
        """Prints the table, and returns whether there are no failures."""
        for known in KNOWN:
            if known.met == 0:
                self.failures.append(f"no case for the known fact: {', '.join(known.readers)}: {known.says}")
        for failure in self.failures[:SHOWN]:
            print(f"FAILED: {failure}")
        print(f"\n{'reader':22} {'version':24} {'cases':>7} {'refused':>8} {'misread':>8} {'failed':>7}")
        for name, row in self.rows.items():
            print(f"{name:22} {row.version:24} {row.cases:7} {row.refused:8} {row.misread:8} {row.failed:7}")
        print("\nKnown facts, confirmed in this run (the refused and misread cases above):")
        for known in KNOWN:
            print(f"  {', '.join(known.readers)}: {known.says}: {known.outcome} ({', '.join(known.ways)}; {known.met})")
        cases = sum(row.cases for row in self.rows.values())
        failed = sum(row.failed for row in self.rows.values())
        print(f"\n{cases - failed} passed, {len(self.failures)} failed")
        return not self.failures
