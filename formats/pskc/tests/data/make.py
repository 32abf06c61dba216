"""Makes the PSKC files of this directory with python-pskc. All keys are made up.

    python3 -m venv venv && venv/bin/pip install python-pskc==1.4 cryptography==50.0.2
    venv/bin/python make.py
"""

import os
from pathlib import Path

import pskc

SECRETS = {
    "TOTP1": b"12345678901234567890",
    "TOTP2": b"12345678901234567890123456789012",
    "HOTP1": b"98765432109876543210",
}
TOTP = "urn:ietf:params:xml:ns:keyprov:pskc:totp"
HOTP = "urn:ietf:params:xml:ns:keyprov:pskc:hotp"
PASSWORD = "correct horse"

# The same output each time.
count = 0


def sample(length):
    global count
    count += 1
    return bytes((31 * count + index) % 256 for index in range(length))


os.urandom = sample


def tokens():
    file = pskc.PSKC()
    file.add_key(
        id="1", serial="TOTP1", manufacturer="Sample Tokens", model="T1", algorithm=TOTP, secret=SECRETS["TOTP1"],
        time_interval=60, time_offset=0, response_length=8, response_encoding="DECIMAL", key_userid="dana",
    )
    file.add_key(
        id="2", serial="TOTP2", algorithm="totp", algorithm_suite="HMAC-SHA256", secret=SECRETS["TOTP2"],
        time_interval=30, time_offset=59849000, time_drift=-2, response_length=6, response_encoding="DECIMAL",
        friendly_name="The grey one",
    )
    file.add_key(id="3", serial="HOTP1", algorithm=HOTP, secret=SECRETS["HOTP1"], counter=1000)
    return file


def write(name, file):
    file.write(str(Path(__file__).with_name(name)))


write("plain.pskcxml", tokens())
for bits in (128, 192, 256):
    file = tokens()
    file.mac.setup(algorithm="hmac-sha1" if bits == 128 else "hmac-sha256")
    file.encryption.setup_preshared_key(
        key=bytes(range(bits // 8)), algorithm=f"aes{bits}-cbc", key_name="Sample", fields=["secret", "counter"]
    )
    write(f"key{bits}.pskcxml", file)
file = tokens()
file.encryption.setup_pbkdf2(PASSWORD, iterations=1000, fields=["secret", "counter", "time_interval"])
write("password.pskcxml", file)
file = tokens()
file.encryption.setup_pbkdf2(PASSWORD, iterations=1000, algorithm="aes256-cbc", prf="hmac-sha256")
write("password_sha256.pskcxml", file)
file = pskc.PSKC()
file.add_key(id="1", serial="HOTP1", algorithm=HOTP, secret=SECRETS["HOTP1"], counter=53)
file.encryption.setup_preshared_key(key=bytes(range(16)), fields=["secret", "counter"])
write("counter53.pskcxml", file)
