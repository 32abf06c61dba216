"""The test cases: authenticators with random parameters from a seed, and one authenticator of each kind."""

import base64
import dataclasses
import random

NAME_CHARACTERS = "abcXYZ0189 äöüßé漢字Ωж🔑&=?#%+@.,;-_~'\"/\\!*()$<>[]{}|^`"
DOTS = (".", "..")


@dataclasses.dataclass(frozen=True)
class Case:
    """One authenticator, and the time or the counter of the passcode to compare."""

    kind: str = "totp"
    secret: bytes = b"12345678901234567890"
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30
    counter: int = 0
    time: int = 1_111_111_109
    issuer: str | None = "Example"
    account: str = "alice@example.com"
    image: str | None = None
    # The issuer prefix before the account, if it differs from the issuer.
    prefix: str | None = None
    # Some programs let the user choose whether the issuer is before the account. This is the choice of the user.
    is_prefixed: bool = True
    # The reason for this case.
    about: str = "a random case"

    @property
    def is_totp(self):
        return self.kind == "totp"

    @property
    def base32(self):
        return base64.b32encode(self.secret).decode().rstrip("=")

    @property
    def moving_factor(self):
        """The input of the HMAC: the time step or the counter."""
        return self.time // self.period if self.is_totp else self.counter

    def batch_line(self):
        last = f"{self.period}\t{self.time}" if self.is_totp else f"{self.counter % 2**64}\t0"
        return f"{self.kind}\t{self.base32}\t{self.algorithm}\t{self.digits}\t{last}"

    def later(self, steps):
        """The same authenticator, some steps later."""
        if self.is_totp:
            return dataclasses.replace(self, time=self.time + steps * self.period)
        return dataclasses.replace(self, counter=self.counter + steps)

    def at(self, seconds):
        return dataclasses.replace(self, time=int(seconds))

    def with_secret(self, base32):
        return dataclasses.replace(self, secret=base64.b32decode(base32 + "=" * (-len(base32) % 8)))

    def as_hotp(self, counter):
        return dataclasses.replace(self, kind="hotp", counter=counter)

    def fields(self):
        """The fields that a reader of the key URI must find."""
        return {
            "type": self.kind,
            "issuer": self.issuer,
            "prefix": self.prefix,
            "account": self.account,
            "secret": self.base32,
            "algorithm": self.algorithm,
            "digits": self.digits,
            "period": self.period if self.is_totp else None,
            # As text, because JavaScript numbers are exact only below 2^53.
            "counter": None if self.is_totp else str(self.counter),
        }

    def message(self, **more):
        """The request to a reader that takes JSON lines."""
        return {**self.fields(), "time": self.time, **more}


class Cases:
    """Makes random cases. The same seed gives the same cases."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def name(self, longest=12):
        """A random name that no program takes for an option or for a path outside its directory."""
        while True:
            chosen = "".join(self.random.choices(NAME_CHARACTERS, k=self.random.randint(1, longest))).strip()
            is_path_out = any(part in DOTS for part in chosen.split("/"))
            if chosen and not is_path_out and not chosen.startswith("-"):
                return chosen

    def one(self):
        pick = self.random.choice
        return Case(
            kind=pick(["totp", "totp", "hotp"]),
            secret=self.random.randbytes(pick([16, 20, 20, 20, 32, 64, self.random.randint(1, 80)])),
            algorithm=pick(["SHA1", "SHA256", "SHA512"]),
            digits=pick([6, 7, 8]),
            period=pick([1, 15, 30, 30, 60, 90, 120, 300, 3600, 86_400]),
            counter=pick([0, 1, 2**31, 2**32, 2**53 - 1, 2**53 + 1, 2**63 - 1, self.random.randrange(2**40)]),
            time=pick([0, 59, 1_111_111_109, 20_000_000_000, self.random.randrange(2**36)]),
            issuer=None if self.random.random() < 0.1 else self.name(),
            account=self.name(),
            image="https://example.com/logo.png" if self.random.random() < 0.1 else None,
        )

    def many(self, count):
        return [self.one() for _ in range(count)]

    def plain(self, kind, period):
        """A case with parameters that every program supports."""
        issuer = None if self.random.random() < 0.1 else self.name()
        is_prefixed = self.random.random() < 0.5
        return Case(kind=kind, period=period, counter=1, issuer=issuer, account=self.name(), is_prefixed=is_prefixed)

    def of_growing_length(self, count):
        """Cases with key URIs of growing length, from small QR symbols to large ones."""
        return [dataclasses.replace(self.one(), account=self.name(longest=12 + 150 * number // count))
                for number in range(count)]


def kinds():
    """One case of each kind of key URI that the builder makes."""
    made = [Case(about="defaults"), Case(issuer=None, about="no issuer")]
    made += [Case(algorithm=name, about=name) for name in ("SHA256", "SHA512")]
    made += [Case(digits=count, about=f"{count} digits") for count in (7, 8)]
    made += [Case(period=p, about=f"period {p}") for p in (1, 15, 60, 90, 120, 121, 300, 3600, 3601, 86_400)]
    made += [
        Case(kind="hotp", counter=c, about=f"counter {c}")
        for c in (0, 1, 2**31, 2**32, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**64 - 1)
    ]
    made += [Case(kind="hotp", algorithm=name, about=f"hotp {name}") for name in ("SHA256", "SHA512")]
    made += [Case(kind="hotp", digits=8, about="hotp 8 digits"), Case(kind="hotp", issuer=None, about="hotp no issuer")]
    made += [
        Case(secret=bytes(range(1, length + 1)), about=f"secret of {length} bytes")
        for length in (1, 10, 13, 14, 15, 16, 17, 18, 19, 32, 63, 64, 65, 127, 128, 129)
    ]
    made += [
        Case(image="https://example.com/logo.png", about="image"),
        Case(image="https://example.com/logo?size=64&dark=1", about="image with a query"),
        Case(issuer="Süßes & Saures", account="zoë+1@例え.jp", about="names beyond ASCII"),
        Case(issuer="🔑", account="ключ", about="emoji"),
        Case(algorithm="SHA512", digits=8, period=60, secret=bytes(range(64)), image="https://example.com/logo.png",
             issuer="Süßes", about="everything at once"),
    ]
    for mark in "&=?#%+/;'\"\\!*()$,<>[]{}|^`~@._-":
        made.append(Case(issuer=f"a{mark}b", about=f"{mark} in the issuer"))
        made.append(Case(account=f"a{mark}b", about=f"{mark} in the account"))
    made += [
        Case(issuer="50%25", about="a percent escape in the issuer"),
        Case(account="50%25", about="a percent escape in the account"),
        Case(issuer="a b", account="c d", about="spaces"),
        Case(account="a/", about="/ at the end of the account"),
        Case(issuer="example.com", prefix="Example", about="a domain as the issuer, and a name before the account"),
        Case(kind="hotp", issuer="例え.jp", prefix="Süßes", about="a name before the account, beyond ASCII, for hotp"),
    ]
    return made
