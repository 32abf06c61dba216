"""This library, through the example `otp`."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(2 * (os.cpu_count() or 1))


def started(command, stdin="", env=None):
    """Runs a program. Its output need not be UTF-8."""
    return subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", errors="replace", env=env)


def run(*command, stdin="", expect=(0,), env=None):
    """Runs a program that must succeed, and returns its output."""
    done = started(command, stdin, env)
    if done.returncode not in expect:
        raise SystemExit(f"{' '.join(command)} exited with {done.returncode}: {done.stderr}")
    return done.stdout


def each(work, items):
    """Like `map`, on all processors."""
    return list(POOL.map(work, items))


class Otp:
    def __init__(self, program):
        self.program = program

    def codes(self, cases):
        """The passcode of each case."""
        lines = run(self.program, "batch", stdin="".join(f"{case.batch_line()}\n" for case in cases)).splitlines()
        assert len(lines) == len(cases), f"{len(lines)} passcodes of {len(cases)}"
        return lines

    def uri(self, case):
        """The key URI of a case."""
        command = ["uri", f"--secret={case.base32}", f"--account={case.account}"]
        command += [f"--algorithm={case.algorithm}", f"--digits={case.digits}"]
        command += [f"--period={case.period}"] if case.is_totp else [f"--counter={case.counter}"]
        command += [f"--issuer={case.issuer}"] if case.issuer else []
        command += [f"--issuer-prefix={case.prefix}"] if case.prefix else []
        command += [f"--image={case.image}"] if case.image else []
        return run(self.program, *command).strip()

    def read(self, uris, *how):
        """The fields that the parser finds in each key URI, or its error."""
        lines = run(self.program, "uri", "--parse", *how, stdin="".join(f"{uri}\n" for uri in uris), expect=(0, 1))
        found = [json.loads(line) for line in lines.splitlines()]
        assert len(found) == len(uris), f"{len(found)} key URIs of {len(uris)}"
        return found

    def accepts(self, case, code):
        command = ["verify", f"--secret={case.base32}", f"--algorithm={case.algorithm}", f"--digits={case.digits}"]
        command += [f"--period={case.period}", f"--time={case.time}"] if case.is_totp else [f"--counter={case.counter}"]
        return started([self.program, *command, "--window=0", code]).returncode == 0

    def draw(self, uri, level, pixels, file, svg=False):
        """Draws the QR code of a key URI."""
        common = [self.program, "qr", f"--level={level}", f"--module-size={pixels}"]
        run(*common, "--svg", file, uri) if svg else run(*common, f"--png={file}", uri)


def is_of(found, case):
    """Whether our parser found the fields of this case."""
    fields = case.fields()
    del fields["secret"]
    expected = {**fields, "secret_hex": case.secret.hex()}
    counter = found.get("counter")
    found = {**found, "counter": None if counter is None else str(counter)}
    return found["ok"] and all(found.get(name) == value for name, value in expected.items())
