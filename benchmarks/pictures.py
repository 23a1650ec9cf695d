"""Take the pictures of the README from the demo's report: python benchmarks/pictures.py (needs Chromium)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 200_000  # bytes of a picture
CHOSEN = "domain=Experience&indicator=Detentions+under+the+Mental+Health+Act&measure=ratio"
PICTURES = {"landing-page": "index.html", "dashboard": f"dashboard.html#{CHOSEN}"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def main() -> int:
    """Write docs/images/*.png; 1 where there is no browser or no report of the demo."""
    named = os.environ.get("CHROMIUM")
    browser = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    report = ROOT / "reports" / "demo"
    if not browser or not (report / "index.html").is_file():
        print("pictures: needs Chromium (or its path in CHROMIUM), and the demo's report (pcref report).")
        return 1
    target = ROOT / "docs" / "images"
    target.mkdir(exist_ok=True)
    for name, page in PICTURES.items():
        path = target / f"{name}.png"
        file, _, chosen = page.partition("#")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own:
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1000"]
            options += ["--virtual-time-budget=5000", f"--user-data-dir={own}", f"--screenshot={path}"]
            subprocess.run(
                [browser, *options, f"{(report / file).as_uri()}#{chosen}"],
                check=True,
                capture_output=True,
                timeout=120,
            )
        Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
        print(f"{path.relative_to(ROOT).as_posix()}: {path.stat().st_size:,} bytes")
        if path.stat().st_size > LARGEST:
            print(f"pictures: larger than {LARGEST:,} bytes.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
