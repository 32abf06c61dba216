"""Reads key URIs, one a line, and exits with 1 if pyotp, the most severe reader known, refuses any.

usage: pyotp_uris.py < uris
needs: pip install pyotp
"""

import sys

import pyotp


def main() -> int:
    refused = 0
    count = 0
    for number, line in enumerate(sys.stdin, start=1):
        count = number
        try:
            pyotp.parse_uri(line.rstrip("\n"))
        except Exception as error:
            refused += 1
            print(f"line {number}: {error}", file=sys.stderr)
    print(f"pyotp took {count - refused} of {count} key URIs")
    return 1 if refused or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
