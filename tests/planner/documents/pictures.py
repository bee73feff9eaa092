"""Pages of PDF documents as pictures, judged: nothing on them is blank, and nothing runs out of its margins."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pypdfium2

SCALE = 2.0
"""Pixels a point."""
INK = 200
"""Darker pixels are ink."""
MM = 72 / 25.4 * SCALE
MARGINS_MM = {"top": 37, "bottom": 35, "left": 28, "right": 26}
FOOT_MM = 12
"""Below the text, where the page number stands."""


def draw_pages(data: bytes) -> list[np.ndarray]:
    """Return the pages as grey pictures."""
    with pypdfium2.PdfDocument(data) as pdf:
        pages = []
        for number in range(len(pdf)):
            page = pdf[number]
            bitmap = page.render(scale=SCALE, grayscale=True)
            pages.append(np.squeeze(bitmap.to_numpy()).copy())
            bitmap.close()
            page.close()
        return pages


def find_faults(pages: list[np.ndarray], *, hanging_mm: float = 0.0) -> list[str]:
    """Return what is wrong with pages of A4 in the margins of GB/T 9704-2012.

    Parameters
    ----------
    pages
        From :func:`draw_pages`.
    hanging_mm
        How far a stop at the end of a line may hang into the right margin, as word processors set Chinese.
    """
    faults = []
    for number, page in enumerate(pages, start=1):
        ink = page < INK
        height, width = ink.shape
        top, bottom = round(MARGINS_MM["top"] * MM), height - round(MARGINS_MM["bottom"] * MM)
        left, right = round(MARGINS_MM["left"] * MM), width - round(MARGINS_MM["right"] * MM)
        slack = round(1 * MM)
        text = ink[top:bottom, left:right]
        if text.mean() < 0.001:
            faults.append(f"page {number}: blank")
        outside = {
            "above": ink[: top - slack],
            "left": ink[:, : left - slack],
            "right": ink[:, right + slack + round(hanging_mm * MM) :],
            "below": ink[bottom + round(FOOT_MM * MM) :],
        }
        faults += [f"page {number}: ink {side}" for side, part in outside.items() if part.any()]
    return faults


def convert(docx: bytes, folder: Path) -> bytes | None:
    """Return a DOCX as PDF by LibreOffice, None where there is none on this machine."""
    office = shutil.which("soffice")
    if office is None:
        return None
    source = folder / "document.docx"
    source.write_bytes(docx)
    profile = folder / "profile"
    subprocess.run(
        [
            office,
            f"-env:UserInstallation=file://{profile}",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(folder),
            str(source),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return (folder / "document.pdf").read_bytes()
