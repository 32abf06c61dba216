"""Makes imported_hashes.txt: hashes of made-up backup codes, written by other software.

    pip install bcrypt==5.0.0 argon2-cffi==25.1.0 "django==5.2.19" && python3 imported_hashes.py > imported_hashes.txt

The salts are random, so each run writes other hashes. Costs are as low as the software allows.
"""

import hashlib
import os
from base64 import b64encode

import argon2
import bcrypt
import django
from argon2.low_level import Type
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher

HEX = "0123456789abcdef"
ALL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def code(number, length):
    return hashlib.sha256(b"made-up code %d" % number).hexdigest()[:length]


def base64(data):
    return b64encode(data).decode().rstrip("=")


def row(software, alphabet, group, text, hashed):
    print(software, alphabet, group or "-", text, hashed, sep="\t")


def bcrypt_rows():
    software = f"bcrypt {bcrypt.__version__}"
    for number, prefix in enumerate((b"2b", b"2a")):
        text = code(number, 16)
        row(software, HEX, 0, text, bcrypt.hashpw(text.encode(), bcrypt.gensalt(4, prefix)).decode())
    text = code(2, 16)
    hashed = bcrypt.hashpw(text.encode(), bcrypt.gensalt(5)).decode()
    row(f"{software}, prefix of PHP", HEX, 0, text, hashed.replace("$2b$", "$2y$"))
    text = "-".join((code(3, 4), code(4, 4), code(5, 4)))
    row(software, HEX, 4, text, bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode())


def django_rows():
    settings.configure()
    software = f"Django {django.get_version()}"
    for number, hasher in enumerate((PBKDF2PasswordHasher(), PBKDF2SHA1PasswordHasher())):
        text = code(10 + number, 12)
        row(software, HEX, 0, text, hasher.encode(text, hasher.salt(), 1000))
    hasher = Argon2PasswordHasher()
    hasher.time_cost, hasher.memory_cost = 1, 64
    text = code(12, 12)
    hashed = hasher.encode(text, hasher.salt()).removeprefix("argon2")
    row(f"{software}, without the prefix argon2", HEX, 0, text, hashed)


def argon2_rows():
    for number, (kind, length) in enumerate((k, n) for k in (Type.ID, Type.I, Type.D) for n in (16, 32, 64)):
        hasher = argon2.PasswordHasher(time_cost=2, memory_cost=32, parallelism=1, hash_len=length, type=kind)
        text = code(20 + number, 12)
        row("argon2-cffi 25.1.0", HEX, 0, text, hasher.hash(text))


def hashlib_rows():
    for number, (name, length) in enumerate((("sha1", 20), ("sha256", 32), ("sha512", 64), ("sha256", 64))):
        text, salt = code(40 + number, 12), os.urandom(16)
        hashed = hashlib.pbkdf2_hmac(name, text.encode(), salt, 1000, length)
        parameters = f"i=1000,l={length}" if number < 3 else "i=1000"
        row("Python hashlib", HEX, 0, text, f"$pbkdf2-{name}${parameters}${base64(salt)}${base64(hashed)}")
    for number, name in enumerate(("sha256", "sha512")):
        text, salt = "aB3" + code(50 + number, 7), os.urandom(12)
        hashed = hashlib.new(name, salt + text.encode()).digest()
        row("Python hashlib", ALL, 0, text, f"${name}${base64(salt)}${base64(hashed)}")
        text = code(60 + number, 15).upper()
        hashed = hashlib.new(name, text.encode()).digest()
        row("Python hashlib", HEX.upper(), 0, text, f"${name}$${base64(hashed)}")


if __name__ == "__main__":
    print("# software, alphabet, group, code as hashed, hash: made by imported_hashes.py")
    bcrypt_rows()
    django_rows()
    argon2_rows()
    hashlib_rows()
