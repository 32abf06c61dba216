"""The libraries for passcodes and key URIs. Each runs in one process, which reads JSON lines."""

import dataclasses
import json
from functools import partial
from threading import Thread

from known import CODE, READ, WRITE
from ours import each, is_of, run

# At this distance in time steps, no reader may accept a passcode.
FAR = 5


def answers(command, requests):
    lines = run(*command, stdin="".join(f"{json.dumps(request)}\n" for request in requests)).splitlines()
    assert len(lines) == len(requests), f"{command}: {len(lines)} answers to {len(requests)} requests"
    return [json.loads(line) for line in lines]


def compare(report, otp, libraries, cases):
    """Compares in both directions: the library's passcodes and ours, the library's key URIs and ours."""
    codes = otp.codes(cases)
    far = otp.codes([case.later(FAR) for case in cases])
    uris = each(otp.uri, cases)
    for uri, case, found in zip(uris, cases, otp.read(uris)):
        report.record("countersign", READ, case, partial(is_of, found), detail=found)

    def ask(name, command):
        requests = []
        for case, code, later, uri in zip(cases, codes, far, uris):
            requests += [
                case.message(do="read", uri=uri),
                case.message(do="code", typed=[code, later]),
                case.message(do="write"),
            ]
        said[name] = answers(command, requests)

    said = {}
    threads = [Thread(target=ask, args=library) for library in libraries.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in libraries:
        record(report, otp, name, said[name], cases, codes, far)


def record(report, otp, name, said, cases, codes, far):
    for case, code, later, read, made in zip(cases, codes, far, said[::3], said[1::3]):
        def is_read(of):
            return read == {**of.fields(), "code": code if of is case else otp.codes([of])[0]}

        report.record(name, READ, case, is_read, "refused" in read, read)
        expected = {"code": code, "verified": [True, later == code]}
        report.record(name, CODE, case, lambda _: made == expected, "refused" in made, made)
    # The libraries have no parameter for a prefix that differs from the issuer.
    plain = [dataclasses.replace(case, prefix=None) for case in cases]
    written = [(case, write["uri"]) for case, write in zip(plain, said[2::3]) if "uri" in write]
    for (case, uri), found in zip(written, otp.read([uri for _, uri in written])):
        report.record(name, WRITE, case, partial(is_of, found), detail=f"{uri}: {found}")
    for case, write in zip(plain, said[2::3]):
        if "refused" in write:
            report.record(name, WRITE, case, None, True, write)
