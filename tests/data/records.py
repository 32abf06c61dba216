"""Makes records.txt with independent software: cryptography (OpenSSL's AES-256-GCM-SIV), cbor2, argon2-cffi for the
backup-code set, and pyotp for the passcodes.

    pip install cryptography cbor2 argon2-cffi pyotp && python3 records.py > records.txt
"""

import base64
import hashlib
import hmac

import cbor2
import pyotp
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from backup_code_sets import digests_of, hash_of

NOW = 1_800_000_000
HASHES = {1: hashlib.sha1, 2: hashlib.sha256, 3: hashlib.sha512}
DOMAIN = b"countersign record"


def with_lengths(*parts):
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def authenticator(number, name, parameters, last_used_at, last_step):
    return [bytes([number]) * 8, name, bytes(range(number, number + 20)), parameters, NOW - 86_400, last_used_at, last_step]


def passcode(authenticator):
    algorithm, digits, period = authenticator[3]
    secret = base64.b32encode(authenticator[2]).decode()
    return pyotp.TOTP(secret, digits=digits, digest=HASHES[algorithm], interval=period).at(NOW)


def counter_passcode(authenticator, counter):
    algorithm, digits, _ = authenticator[3]
    secret = base64.b32encode(authenticator[2]).decode()
    return pyotp.HOTP(secret, digits=digits, digest=HASHES[algorithm]).at(counter)


def t0_passcode(authenticator, t0):
    return counter_passcode(authenticator, (NOW - t0) // authenticator[3][2])


def record(name, key_id, namespace, account, revisions, throttle, authenticators, code_set=None, pending=None, fields=None, passcodes=None):
    key, nonce = bytes(range(32)), bytes(range(100, 112))
    content = [[True, *revisions], throttle, authenticators, code_set, pending] + ([fields] if fields else [])
    tag = hashlib.sha256(with_lengths(DOMAIN, namespace.encode(), account.encode())).digest()[:8]
    header = bytes([2 if fields else 1, 1]) + key_id.to_bytes(4, "big") + tag
    associated = DOMAIN + header + with_lengths(namespace.encode(), account.encode())
    sealed = header + nonce + AESGCMSIV(key).encrypt(nonce, cbor2.dumps(content), associated)
    codes = ",".join(passcodes or [passcode(one) for one in authenticators]) or "-"
    print(name, key_id, key.hex(), namespace or "-", account, revisions[-1], codes, sealed.hex(), sep="\t")


def pending(account_name, wrong=2):
    return [b"\x11" * 16, b"\x22" * 8, "work phone", account_name, "Example", bytes(range(40, 60)), [1, 6, 30],
            b"\x01" * 8, NOW - 60, wrong]


SALT = bytes(range(16))
CODES = b"".join(hash_of(code, SALT, 8, 1, 1, b"") for code in (b"12345678", b"87654321", b"00000000"))
CODE_SET = [1, SALT, 8, 1, 1, 0, 8, 4, 3, NOW - 3600, None, CODES, {2: NOW - 1800}]

print("# name, key id, key, namespace, account, revision, passcodes, record: made by records.py")
record("empty", 1, "", "alice", [1], [0, 0, 20, NOW], [])
record("one", 1, "", "alice", [2**63 - 1], [0, 0, 20, NOW], [authenticator(1, "phone", [1, 6, 30], None, None)])
record("invisible_name", 1, "", "alice", [1], [0, 0, 20, NOW], [authenticator(1, "pho\u200dne\u200e", [1, 6, 30], None, None)])
record("everything", 2**32 - 1, "tenant", "account:42", list(range(1, 9)), [4, NOW - 600, 7, NOW - 7200], [
    authenticator(1, "phone", [1, 6, 30], NOW - 30, NOW // 30 - 1),
    authenticator(2, "tablet", [2, 7, 60], NOW - 60, NOW // 60),
    authenticator(3, "watch", [3, 8, 15], None, None),
], CODE_SET, pending("a" * 1024))
record("too_long", 1, "", "alice", [1], [0, 0, 20, NOW], [], None, pending("a" * 1025))
PHONE = [authenticator(1, "phone", [1, 6, 30], NOW - 30, NOW // 30 - 1)]
record("fields", 1, "", "alice", [1, 2], [0, 0, 20, NOW], PHONE, CODE_SET, pending("alice"), {
    1: [b"\x33" * 8, NOW - 10],
    2: [NOW - 7200, NOW - 3600, NOW - 10],
    3: [NOW - 590 + n for n in range(10)],
})
record("unknown_field", 1, "", "alice", [1, 2], [0, 0, 20, NOW], PHONE, None, None, {2: [NOW], 77: "later"})
TOKEN = authenticator(4, "token", [1, 6, 30], NOW - 60, None)
CLOCK = authenticator(5, "clock", [2, 8, 60], NOW - 60, (NOW - 60 - 1_000_000_007) // 60)
OLD = authenticator(6, "old phone", [1, 6, 30], None, None)
OLD[2] = OLD[2][:14]
record("extended", 1, "", "alice", [1, 2], [0, 0, 20, NOW], [TOKEN, CLOCK, OLD], None, pending("alice"), {
    5: {0: [True, 0, 12], 1: [False, 1_000_000_007, None], 2: [True, 0, None]},
    7: 0,
}, [*(counter_passcode(TOKEN, counter) for counter in (11, 14, 15)), t0_passcode(CLOCK, 1_000_000_007), passcode(OLD)])


def last_request(code, seconds_ago, result, number):
    tag = hmac.digest(bytes(range(16)), b"countersign request" + code.encode(), "sha256")[:16]
    return {8: [tag, NOW - seconds_ago, result, number]}


PASSCODE = passcode(authenticator(2, "tablet", [2, 7, 60], NOW - 60, NOW // 60))
TWO = PHONE + [authenticator(2, "tablet", [2, 7, 60], NOW - 60, NOW // 60)]
for name, code, seconds_ago, result, number in [
    ("request_wrong", "0000000", 30, 0, 0),
    ("request_reserved", "12345678", -10, 1, 3),
    ("request_joined", "12345678", 0, 1, 4),
    ("request_accepted", PASSCODE, 29, 2, 1),
    ("request_backup_code", "00000000", 1, 3, 3),
    ("request_unknown_result", "00000000", 1, 4, 0),
    ("request_wrong_number", "00000000", 1, 0, 1),
    ("request_five_joins", "00000000", 1, 1, 5),
    ("request_no_authenticator", "00000000", 1, 2, 2),
    ("request_unused_code", "12345678", 1, 3, 1),
    ("request_code_zero", "12345678", 1, 3, 0),
    ("request_no_code", "12345678", 1, 3, 4),
]:
    record(name, 1, "", "alice", [1, 2], [1, NOW - 20, 19, NOW], TWO, CODE_SET, None, last_request(code, seconds_ago, result, number), [code])
for name, authenticators, code_set, result, number in [
    ("request_disabled", [], CODE_SET, 0, 0),
    ("request_reserved_without_codes", TWO, None, 1, 0),
    ("request_code_without_codes", TWO, None, 3, 1),
]:
    record(name, 1, "", "alice", [1, 2], [1, NOW - 20, 19, NOW], authenticators, code_set, None, last_request("00000000", 1, result, number), ["00000000"])


LONG = ["0123456789ABCDEFGHJKMNP", "QRSTVWXYZ00000000000001", "Z" * 23]
KEY = bytes(range(100, 132))
KEYED = [2, SALT, KEY, 1, 23, 6, 3, NOW - 3600, digests_of(LONG, KEY), {2: NOW - 1800}]
PENDING = [bytes(range(50, 66)), bytes(range(60, 76)), NOW - 60, digests_of(["1" * 23, "2" * 23, "3" * 23], KEY)]
for name, code_set, fields in [
    ("keyed_codes", None, {12: KEYED}),
    ("keyed_codes_in_two_steps", None, {10: PENDING, 12: KEYED}),
    ("keyed_codes_as_hashes", KEYED, {2: [NOW]}),
    ("hashes_as_keyed_codes", None, {12: CODE_SET}),
    ("keyed_codes_twice", CODE_SET, {12: KEYED}),
    ("keyed_codes_too_short", None, {12: KEYED[:4] + [22] + KEYED[5:]}),
    ("keyed_codes_reserved", None, last_request(LONG[0], 1, 1, 0) | {12: KEYED}),
    ("keyed_codes_wrong", None, last_request(LONG[2], 1, 0, 0) | {12: KEYED}),
]:
    record(name, 1, "", "alice", [1, 2], [1, NOW - 20, 19, NOW], PHONE, code_set, None, fields, LONG + ["1" * 23])
