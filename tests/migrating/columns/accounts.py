"""Makes secrets with pyotp and rotp, uses some passcodes, and appends to ./base32.csv and ./expect.jsonl."""

import json
import subprocess
import time

import pyotp

used_at = int(time.time())
ROTP = """
secret = ROTP::Base32.random_base32
code = ROTP::TOTP.new(secret).at(ARGV[0].to_i)
ROTP::TOTP.new(secret).verify(code, at: ARGV[0].to_i) or exit(1)
puts secret, code
"""


def save(account, secret, code, type="totp", counter=""):
    with open("base32.csv", "a") as file:
        print(account, secret, type, "SHA1", 6, counter, sep=",", file=file)
    row = {"account": account, "secret": secret, "type": type, "digits": 6, "period": 30, "t0": 0, "counter": counter}
    with open("expect.jsonl", "a") as file:
        print(json.dumps(row | {"used_passcode": code, "used_at": used_at}), file=file)


totp = pyotp.TOTP(pyotp.random_base32())
code = totp.at(used_at)
assert totp.verify(code, for_time=used_at)
save("pyotp", totp.secret, code)

hotp = pyotp.HOTP(pyotp.random_base32())
assert hotp.verify(hotp.at(3), 3)
save("pyotp-hotp", hotp.secret, hotp.at(3), type="hotp", counter=4)

command = ["ruby", "-r", "rotp", "-e", ROTP, str(used_at)]
save("rotp", *subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
