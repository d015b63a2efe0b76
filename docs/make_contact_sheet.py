"""Take the pictures of docs/reference/contact-sheet.md: every view in both languages and both themes.

python -m docs.make_contact_sheet monaco.twin
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from docs.make_view_pictures import SOFTWARE, STILL, opened, serve

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE = {"width": 1280, "height": 800}
QUALITY = 72  # Of WebP: text stays sharp, a picture is some 70 kB.
AT = "t=2026-06-16T08:15"
# How far a view is worked with before its picture is taken: what is clicked, and what must be there then.
WORKED = {
    "explore": ("", "#layers .layer"),
    "operate": ("#operate .ranks .place", "#inspector h2"),
    "trust": ('#trust [data-layer="buildings"]', '#trust [data-layer="buildings"][aria-pressed="true"]'),
}


def main() -> None:
    """Serve the city, and take twelve pictures."""
    root = serve(sys.argv[1])
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SOFTWARE)
        for view, (click, there) in WORKED.items():
            page = chromium.new_context(viewport=SIZE).new_page()
            page.set_default_timeout(120_000)
            opened(page, f"{root}{view}?{AT}")
            if click:
                page.locator(click).first.click()
            page.locator(there).first.wait_for()
            for language in ("en", "zh"):
                page.click(f"#topbar [data-lang={language}]")
                for theme in ("light", "dark"):
                    dress(page, language, theme)
                    keep(page, f"{view}-{language}-{theme}")
            page.context.close()
        chromium.close()


def dress(page: Page, language: str, theme: str) -> None:
    """Bring a page to a language and a theme."""
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.click("#topbar .theme")
    page.wait_for_function(
        "([language, theme]) => document.documentElement.lang === language"
        " && document.documentElement.dataset.theme === theme",
        arg=[language, theme],
    )


def keep(page: Page, name: str) -> None:
    """Save what is seen, once camera and map are still."""
    page.mouse.move(SIZE["width"] / 2, 4)  # Off whatever says something to a hand above it.
    page.wait_for_function(STILL, polling=1500)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
