"""Scanners that read our QR codes: our PNG, and our SVG as librsvg draws it."""

import dataclasses
import itertools
import subprocess

from known import SCAN
from libraries import answers
from ours import each, run

SIZES = (3, 6, 10)
LEVELS = "LMQH"


@dataclasses.dataclass(frozen=True)
class Picture:
    uri: str
    level: str
    pixels: int
    is_svg: bool
    file: str

    @property
    def about(self):
        kind = "SVG" if self.is_svg else "PNG"
        return f"{kind}, level {self.level}, {self.pixels} pixels a module, {len(self.uri)} bytes"


def pictures(otp, kinds, cases, folder):
    """Each case at each size, as PNG and as SVG, and each kind once: the levels, sizes and formats take turns."""
    levels, numbers = itertools.cycle(LEVELS), itertools.count()
    forms = itertools.cycle(itertools.product(SIZES, (False, True)))
    wanted = [(case, next(levels), *form) for case in cases for form in itertools.product(SIZES, (False, True))]
    wanted += [(case, next(levels), *next(forms)) for case in kinds]
    uris = dict(zip(cases + kinds, each(otp.uri, cases + kinds)))
    made = [Picture(uris[case], level, pixels, is_svg, f"{folder}/{next(numbers)}.png")
            for case, level, pixels, is_svg in wanted]

    def draw(picture):
        if not picture.is_svg:
            return otp.picture(picture.uri, picture.level, picture.pixels, picture.file)
        drawing = picture.file.replace(".png", ".svg")
        otp.picture(picture.uri, picture.level, picture.pixels, drawing, svg=True)
        run("rsvg-convert", "--output", picture.file, drawing)

    each(draw, made)
    return made


def by_zbarimg(picture):
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "-Sbinary",
               picture.file]
    done = subprocess.run(command, capture_output=True)
    return {"bytes": done.stdout.hex()} if done.returncode == 0 else {"refused": done.stderr.decode()}


def compare(report, otp, scanners, kinds, cases, folder):
    made = pictures(otp, kinds, cases, folder)
    said = {"zbarimg": each(by_zbarimg, made)}
    requests = [{"picture": picture.file} for picture in made]
    said |= dict(each(lambda scanner: (scanner[0], answers(scanner[1], requests)), list(scanners.items())))
    for name, found in said.items():
        for picture, answer in zip(made, found):
            report.judge(name, SCAN, picture, lambda of: answer == {"bytes": of.uri.encode().hex()},
                         "refused" in answer, answer)
