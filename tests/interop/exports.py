"""Exports of Google Authenticator: other libraries read ours, and we read theirs."""

from functools import partial

from known import EXPORT, IMPORT
from libraries import answers
from ours import is_of, run

# A batch has at most 1,000 parts of ten entries.
MOST, PART = 10_000, 10


def fits(case):
    """Whether an export can hold the case."""
    if case.image or case.digits == 7:
        return False
    return case.period == 30 if case.is_totp else case.counter < 2**63


def compare(report, otp, libraries, cases):
    cases = [case for case in cases if fits(case)][:MOST]
    uris = "".join(f"{otp.uri(case)}\n" for case in cases)
    ours = run(otp.program, "migrate", "--encode", "--batch-id=42", stdin=uris).split()
    groups = [cases[at:at + PART] for at in range(0, len(cases), PART)]
    for name, command in libraries.items():
        said = answers(command, [{"do": "read", "uri": part} for part in ours])
        assert [part["batch"] for part in said] == [[len(ours), index, 42] for index in range(len(ours))], said
        entries = [entry for part in said for entry in part["entries"]]
        assert len(entries) == len(cases), f"{name}: {len(entries)} entries of {len(cases)}"
        for case, entry in zip(cases, entries):
            report.record(name, EXPORT, case, lambda of: entry == of.fields(), detail=entry)

        requests = [{"do": "write", "entries": [case.message() for case in group], "batch": [len(groups), index, 7]}
                    for index, group in enumerate(groups)]
        theirs = "".join(f"{part['uri']}\n" for part in answers(command, requests))
        read = otp.read(run(otp.program, "migrate", stdin=theirs).splitlines())
        assert len(read) == len(cases), f"{len(read)} entries of {len(cases)}"
        for case, found in zip(cases, read):
            report.record(name, IMPORT, case, partial(is_of, found), detail=found)
