"""How far to trust a layer: its colour with the reasons, what became of its records, and what it said of "where"."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

import crs
import layers
from dashboards.frames import FrameSource
from dashboards.i18n import number, plain_title, texts, title_of
from dashboards.i18n.engine import picture_in, reason_of
from dashboards.verdicts import to_verdict
from twin.detection.diagnosis import Diagnosis, columns_of_positions, diagnose
from twin.errors import TwinError
from twin.tiles.readings import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from twin import FusionReport
    from twin.catalogue import LayerInfo

log = logging.getLogger(__name__)

FUSION_RESOLUTION = 9
_MOST_JUDGED = 4000  # Positions: a verdict does not grow surer with more, only slower.


class Steward:
    """What there is to know of the layers of one city; shared by all visitors.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    """

    def __init__(self, source: FrameSource) -> None:
        self.source, self.city = source, source.city
        self._kept = Kept(32)
        self._measured = False

    def content(self, language: str, *, chosen: str = "", measured: bool = False) -> dict[str, Any]:
        """Describe all layers, and one of them in full.

        Parameters
        ----------
        language : str
            Of every text.
        chosen : str, optional
            Layer that is described in full; the worst unless the city has it.
        measured : bool, optional
            Whether the fusion error is to be measured, which takes a moment the first time.

        Returns
        -------
        dict
            Plain JSON values.
        """
        rank = {"red": 0, "yellow": 1, "": 2, "green": 3}
        infos = sorted(self.city.layers.values(), key=lambda info: rank[colour_of(info)])
        info = self.city.layers.get(chosen) or infos[0]
        return {
            "layers": [self._line(each, language) for each in infos],
            "chosen": info.name,
            "detail": self._detail(info, language),
            "fusion": self._fusion(language, measured=measured),
        }

    def picture(self, name: str, language: str) -> str:
        """Draw the evidence for the position of a layer: its records over the reference, under the two best candidates.

        Parameters
        ----------
        name : str
            Name of the layer.
        language : str
            Of its texts.

        Returns
        -------
        str
            SVG; empty if nothing was held against a reference, or nothing is left to draw.
        """
        return picture_in(self._kept.get(("picture", name), lambda: self._draw(self.city.layers[name])), language)

    def diagnose(self, path: "Path") -> Diagnosis:
        """Look at a file that somebody dropped, as this city would take it.

        Parameters
        ----------
        path : Path
            Alone in a private folder.

        Returns
        -------
        Diagnosis
            What it is and what would become of it.
        """
        return diagnose(path, area=self.city.area, reference=self._streets())

    def _line(self, info: "LayerInfo", language: str) -> dict[str, Any]:
        words, colour = texts(language), colour_of(info)
        reasons = self._reasons(info, words)
        bad = next((reason["text"] for reason in reasons if reason["colour"] == colour != "green"), "")
        return {
            "name": info.name,
            "title": plain_title(title_of(info.title, language, info.name)),
            "modelled": info.modelled,
            "colour": colour,
            "word": words[f"trust_{colour or 'none'}"],
            "line": bad or words["records_in"].format(count=number(info.records_in)),
        }

    def _reasons(self, info: "LayerInfo", words: Mapping[str, str]) -> list[dict[str, str]]:
        """Say what gave a layer its colour, the worst first."""
        found = []
        if info.status in {"ambiguous", "unresolvable"}:
            found.append({"colour": "red", "text": words["position_open"]})
        if info.records_in and not info.placed and info.status not in {"ambiguous", "unresolvable"}:
            found.append({"colour": "red", "text": words["nothing_placed"]})
        for measure in layers.MEASURES:
            told = info.quality.get(measure, {"score": None})
            if told["score"] is not None:
                counts = {"good": number(told["good"]), "of": number(told["of"]), "share": f"{100 * told['score']:.4g}"}
                text = words["measure"].format(name=words[f"measure_{measure}"], **counts)
                found.append({"colour": told["colour"], "text": text})
        order = {"red": 0, "yellow": 1, "green": 2}
        return sorted(found, key=lambda reason: order[reason["colour"]])

    def _detail(self, info: "LayerInfo", language: str) -> dict[str, Any]:
        words = texts(language)
        named = words["comma"].join(info.position.split(" and "))
        known = [*([] if info.position == info.status else [named]), words[f"status_{info.status}"]]
        sigma = words["off_by"].format(metres=number(info.sigma_m), most=number(float(crs.radius_95(info.sigma_m))))
        return {
            "title": plain_title(title_of(info.title, language, info.name)),
            "files": list(info.files),
            "facts": [
                [words["position"], " · ".join(known)],
                [words["uncertainty"], sigma if np.isfinite(info.sigma_m) else words["not_stated"]],
                [words["owner"], f"{info.owner} · {info.licence}"],
            ],
            "reasons": self._reasons(info, words),
            "flow": to_flow(info, language),
            "verdict": to_verdict(info, language, reference=self._held_against(info, language)),
        }

    def _held_against(self, info: "LayerInfo", language: str) -> str:
        """Give the title of what the positions of a layer were held against."""
        name = info.evidence.get("reference")
        if name not in self.city.layers:
            return texts(language)["the_area"]
        return plain_title(title_of(self.city.layers[name].title, language, name))

    def _fusion(self, language: str, *, measured: bool) -> dict[str, Any]:
        words = texts(language)
        if not getattr(self.city, "states_truth", False):
            return {"offered": False, "note": words["no_truth"], "rows": []}
        if not measured and not self._measured:
            return {"offered": True, "note": words["fusion_note"].format(resolution=FUSION_RESOLUTION), "rows": []}
        report: FusionReport = self._kept.get(
            "fusion", lambda: self.city.fusion_error(resolutions=[min(FUSION_RESOLUTION, self.city.resolution)])
        )
        self._measured = True
        table = report.table.droplevel("resolution")["d"]
        rows = []
        for name in report.layers:
            before, after = float(table["naive", name]), float(table["ours", name])
            info = self.city.layers.get(name)
            rows.append(
                {
                    "title": plain_title(title_of(info.title, language, name)) if info else words["all_layers"],
                    "before": before,
                    "after": after,
                    "texts": [f"{100 * before:.1f} %", f"{100 * after:.1f} %"],
                }
            )
        return {"offered": False, "note": words["fusion_note"].format(resolution=FUSION_RESOLUTION), "rows": rows}

    def _streets(self) -> layers.Layer | None:
        """Give the city's lines, or else what stands in it, as what the positions of others are held against."""
        kinds = {layer.kind: layer.id for layer in reversed(self.source.layers)}
        name = kinds.get("lines") or kinds.get("buildings")
        return self._reference(name) if name else None

    def _reference(self, name: str) -> layers.Layer:
        def made() -> layers.Layer:
            table = self.source.readings.table(name)
            return layers.Layer.from_geopandas(table[["geometry"]], name=name, position="OGC:CRS84")

        return self._kept.get(("reference", name), made)

    def _draw(self, info: "LayerInfo") -> str:
        reference = info.evidence.get("reference")
        if not reference or "by" in info.evidence or not self.city.layers[reference].features:
            return ""
        try:
            numbers = self._numbers(info)
            if numbers is None:
                return ""
            return crs.detect(numbers, reference=self._reference(reference), area=self.city.area).picture(notes=False)
        except (crs.CrsError, layers.LayerError, TwinError) as error:
            # The verdict itself stands in the twin; only its picture cannot be drawn again.
            log.warning("no picture of the position of %s: %s", info.name, error)
            return ""

    def _numbers(self, info: "LayerInfo") -> tuple[Any, Any] | None:
        """Give positions as the source wrote them: moved back by the definition that was found, or as set aside."""
        if info.placed and info.features:
            shapes = self.source.readings.table(info.name).geometry.to_numpy()
            lon, lat = shapely.get_coordinates(shapely.point_on_surface(shapes[:_MOST_JUDGED])).T
            return crs.transform(lon, lat, source="OGC:CRS84", target=info.position)
        aside = self.city.quarantine(info.name).head(_MOST_JUDGED)
        columns = columns_of_positions(tuple(map(str, aside.columns)))
        return (aside[columns[0]].to_numpy(), aside[columns[1]].to_numpy()) if columns else None


def colour_of(info: "LayerInfo") -> str:
    """Give the colour of a layer.

    Parameters
    ----------
    info : LayerInfo
        The layer.

    Returns
    -------
    str
        "red" if its positions are not known or nothing is placed, else that of its worst measure; "" if nothing was
        asked of it.
    """
    if info.status in {"ambiguous", "unresolvable"} or (info.records_in and not info.placed):
        return "red"
    return str(info.quality.get("colour", ""))


def to_flow(info: "LayerInfo", language: str) -> dict[str, Any]:
    """Describe what became of the records of a layer, as a flow and as a table.

    Parameters
    ----------
    info : LayerInfo
        The layer.
    language : str
        Of every text.

    Returns
    -------
    dict
        ``records_in`` and ``fates`` (the three ways out, whose records sum to it), ``reasons`` (why, by code, whose
        records sum to what is not placed) and the label of the flow.
    """
    words = texts(language)
    fates = [("placed", info.placed), ("quarantined", info.quarantined), ("rejected", info.rejected)]
    whole = info.records_in or 1
    split = {tuple(name.split(":", 1)): count for name, count in info.reasons.items()}
    return {
        "records_in": number(info.records_in),
        "fates": [
            {"fate": fate, "title": words[f"fate_{fate}"], "records": number(count), "share": count / whole}
            for fate, count in fates
        ],
        "reasons": [
            {
                "fate": fate,
                "code": code,
                "text": reason_of(code, language),
                "records": number(count),
                "share": count / whole,
            }
            for (fate, code), count in sorted(split.items(), key=lambda pair: -pair[1])
        ],
        "label": words["flow_label"].format(
            records=number(info.records_in),
            placed=number(info.placed),
            quarantined=number(info.quarantined),
            rejected=number(info.rejected),
        ),
    }
