"""Known facts about other readers: what they refuse or misread, with the exact conditions.

The program checks each fact. A reader must refuse a case that meets the condition, or read the case that the fact
names instead. A reader must read every other case correctly. A run without a case for a fact fails. So the comparison
notices a new version of a reader that behaves differently.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

REFUSED, MISREAD = "refused", "misread"
# The ways to test a reader, where "ours" is from this library. `read`: the reader reads our key URI. `write`: this
# library reads the reader's key URI. `code`: the reader generates a passcode, and verifies ours. `scan`: the reader
# scans our QR code. `export`: the reader reads our export of Google Authenticator. `import`: this library reads the
# reader's export.
READ, WRITE, CODE, SCAN, EXPORT, IMPORT = "read", "write", "code", "scan", "export", "import"


@dataclasses.dataclass
class Known:
    readers: tuple[str, ...]
    ways: tuple[str, ...]
    outcome: str
    says: str
    holds: Callable
    # For a misread case: the case that the reader reads instead.
    taken_for: Callable | None = None
    met: int = 0


EXACT = 2**53 - 1


def rounded(case):
    """Whether JavaScript cannot represent the counter exactly."""
    return not case.is_totp and int(float(case.counter)) != case.counter


def decoded_twice(case):
    """Whether a reader that decodes the issuer twice reads a different issuer."""
    pairs = parse_qsl(f"issuer={case.issuer or ''}")
    return pairs not in ([], [("issuer", case.issuer)])


def cut(case):
    return re.search(r"[#?]", (case.issuer or "") + case.account) is not None


def as_plus_is_read(case):
    """Reads a plus sign as a space, unless a `%20` or the prefix of the label shows that it is a plus sign."""
    if not case.issuer or " " in case.issuer or case.is_prefixed:
        return case
    return replace(case, issuer=case.issuer.replace("+", " ").strip() or None)


KNOWN = [
    Known(("pyotp 2.9",), (READ,), REFUSED, "a name with `#` or `?`", cut),
    Known(("pyotp 2.9",), (READ,), REFUSED, "an issuer with `&`, `+` or a percent escape", decoded_twice),
    Known(("pyotp 2.9",), (READ,), REFUSED, "an image address with `&`", lambda case: "&" in (case.image or "")),
    Known(("pyotp 2.12",), (READ, WRITE, CODE), REFUSED, "secrets under 14 bytes", lambda case: len(case.secret) < 14),
    Known(("pyotp 2.12",), (READ, WRITE, CODE), REFUSED, "periods over 120 s",
          lambda case: case.is_totp and case.period > 120),
    Known(("pyotp 2.9", "pyotp 2.12"), (READ,), REFUSED, "a prefix unlike the issuer", lambda case: case.prefix),
    Known(("otpauth",), (READ,), MISREAD, "a prefix unlike the issuer: dropped", lambda case: case.prefix,
          lambda case: replace(case, prefix=None)),
    Known(("otplib",), (READ, CODE), REFUSED, "secrets under 16 or over 64 bytes",
          lambda case: not 16 <= len(case.secret) <= 64),
    Known(("otplib",), (READ, CODE), REFUSED, "periods over 3,600 s", lambda case: case.is_totp and case.period > 3600),
    Known(("otplib",), (READ,), REFUSED, "counters over 2^53 - 1",
          lambda case: not case.is_totp and case.counter > EXACT),
    Known(("otpauth",), (READ,), MISREAD, "counters over 2^53 - 1 that are no double: rounded to one", rounded,
          lambda case: replace(case, counter=int(float(case.counter)))),
    Known(("otplib", "otpauth"), (WRITE, CODE), REFUSED, "counters over 2^53 - 1: not numbers of JavaScript",
          lambda case: not case.is_totp and case.counter > EXACT),
    Known(("oathtool",), (CODE,), MISREAD, "hotp with SHA-256 or SHA-512: it has SHA-1 only",
          lambda case: not case.is_totp and case.algorithm != "SHA1", lambda case: replace(case, algorithm="SHA1")),
    Known(("keepassxc-cli",), (READ,), MISREAD, "periods over 60 s: 60 s (2.7.5 takes them)",
          lambda case: case.is_totp and case.period > 60, lambda case: replace(case, period=60)),
    Known(("keepassxc-cli",), (READ,), MISREAD, "hotp: totp of 30 s", lambda case: not case.is_totp,
          lambda case: replace(case, kind="totp", period=30)),
    Known(("pass-otp",), (READ,), REFUSED, "an account that ends in `/`: it is the name of a file",
          lambda case: case.account.endswith("/") and bool(case.issuer or case.account.strip("/"))),
    Known(("pass-otp",), (READ,), MISREAD, "hotp: the next counter, and SHA-1 always", lambda case: not case.is_totp,
          lambda case: replace(case, counter=case.counter + 1, algorithm="SHA1")),
    Known(("google-authenticator",), (WRITE,), MISREAD, "steps other than 30 s: not in its key URI",
          lambda case: case.is_totp and case.period != 30, lambda case: as_plus_is_read(replace(case, period=30))),
    Known(("google-authenticator",), (WRITE,), MISREAD, "hotp: no counter in its key URI, though it begins at 1",
          lambda case: not case.is_totp, lambda case: as_plus_is_read(replace(case, counter=0))),
    Known(("google-authenticator",), (WRITE,), MISREAD, "`+` unescaped in the issuer, where nothing shows what it is",
          lambda case: as_plus_is_read(case) != case, lambda case: as_plus_is_read(case)),
]


def known_about(reader, way, case):
    return next((known for known in KNOWN
                 if reader in known.readers and way in known.ways and known.holds(case)), None)
