"""Scanners that read our QR codes, from our PNG and from our SVG as librsvg renders it."""

import dataclasses
import itertools
import subprocess

from known import SCAN
from libraries import answers
from ours import each, run

SIZES = (3, 6, 10)
LEVELS = "LMQH"


@dataclasses.dataclass(frozen=True)
class Image:
    uri: str
    level: str
    pixels: int
    is_svg: bool
    file: str

    @property
    def about(self):
        kind = "SVG" if self.is_svg else "PNG"
        return f"{kind}, level {self.level}, {self.pixels} pixels per module, {len(self.uri)} bytes"


def images(otp, kinds, cases, directory):
    """Images of each case at each size, as PNG and as SVG, and one image of each kind. The levels alternate."""
    levels, numbers = itertools.cycle(LEVELS), itertools.count()
    forms = itertools.cycle(itertools.product(SIZES, (False, True)))
    wanted = [(case, next(levels), *form) for case in cases for form in itertools.product(SIZES, (False, True))]
    wanted += [(case, next(levels), *next(forms)) for case in kinds]
    uris = dict(zip(cases + kinds, each(otp.uri, cases + kinds)))
    made = [Image(uris[case], level, pixels, is_svg, f"{directory}/{next(numbers)}.png")
            for case, level, pixels, is_svg in wanted]

    def draw(image):
        if not image.is_svg:
            return otp.draw(image.uri, image.level, image.pixels, image.file)
        drawing = image.file.replace(".png", ".svg")
        otp.draw(image.uri, image.level, image.pixels, drawing, svg=True)
        run("rsvg-convert", "--output", image.file, drawing)

    each(draw, made)
    return made


def by_zbarimg(image):
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "-Sbinary",
               image.file]
    done = subprocess.run(command, capture_output=True)
    return {"bytes": done.stdout.hex()} if done.returncode == 0 else {"refused": done.stderr.decode()}


def compare(report, otp, scanners, kinds, cases, directory):
    made = images(otp, kinds, cases, directory)
    said = {"zbarimg": each(by_zbarimg, made)}
    requests = [{"image": image.file} for image in made]
    said |= dict(each(lambda scanner: (scanner[0], answers(scanner[1], requests)), list(scanners.items())))
    for name, found in said.items():
        for image, answer in zip(made, found):
            report.record(name, SCAN, image, lambda of: answer == {"bytes": of.uri.encode().hex()},
                         "refused" in answer, answer)
