"""Reads JSON lines with the path of a PNG file, and answers with the bytes that zxing-cpp or quirc reads from it.

usage: scanner_lines.py (zxing-cpp | quirc)
"""

import json
import sys

import quirc
import zxingcpp
from PIL import Image


def by_zxing(image):
    # With all formats, zxing-cpp finds a bar code of four digits in some QR codes.
    return [found.bytes for found in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)]


def by_quirc(image):
    return [data.payload for _, data in quirc.decode(image)]


scan = {"zxing-cpp": by_zxing, "quirc": by_quirc}[sys.argv[1]]
for line in sys.stdin:
    found = scan(Image.open(json.loads(line)["image"]).convert("L"))
    said = {"bytes": found[0].hex()} if len(found) == 1 else {"refused": f"{len(found)} symbols found"}
    print(json.dumps(said), flush=True)
