"""What each metric says, in a sentence, and which way is better; `docs/figures.md` has the same in full."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cairn.report.blocks import together

__all__ = ["METRICS", "Metric", "better", "meaning", "spoken", "title"]


@dataclass(frozen=True)
class Metric:
    """A metric in words.

    Parameters
    ----------
    title : as a person would call it
    meaning : one sentence
    better : ``lower`` or ``higher``
    """

    title: str
    meaning: str
    better: str


METRICS = {
    "nme": Metric(
        "Mean error (NME)",
        "Mean over objects of the mean distance of their points to the truth, divided by the reference length; of the "
        "objects that were found.",
        "lower",
    ),
    "failure": Metric("Failures", "Share of objects with a mean error above the threshold; missed ones fail.", "lower"),
    "auc": Metric(
        "Area under the curve (AUC)",
        "Area under the cumulative error distribution from 0 to the threshold, divided by the threshold; 1 is perfect.",
        "higher",
    ),
    "missed": Metric("Missed", "Share of objects of which a labelled point has no prediction.", "lower"),
    "mre": Metric("Mean radial error", "Mean distance to the truth over all labelled points that were found.", "lower"),
    "sdr": Metric("Detection rate (SDR)", "Share of labelled points within the radius.", "higher"),
    "pck": Metric("Correct points (PCK)", "Share of labelled points within that fraction of the length.", "higher"),
    "oks_ap": Metric(
        "Average precision (OKS)", "COCO's average precision over the OKS thresholds 0.50 to 0.95.", "higher"
    ),
    "recall": Metric("Recall", "Share of objects that the finder found.", "higher"),
    "false_boxes": Metric(
        "False boxes", "Boxes that match no labelled object; an upper bound where not all are labelled.", "lower"
    ),
    "ece": Metric(
        "Calibration error (ECE)",
        "Mean gap between confidence and the share of points that are right, over 15 bins; 0 is perfect.",
        "lower",
    ),
    "auroc": Metric(
        "Bad points told apart (AUROC)",
        "Probability that a bad point has a lower confidence than a good one; 0.5 is blind, 1 perfect.",
        "higher",
    ),
    "rank_correlation": Metric(
        "Confidence and error", "Rank correlation of confidence with error (Spearman); -1 is perfect.", "lower"
    ),
}


_LENGTHS = {
    "inter_ocular": "the inter-ocular distance",
    "inter_pupil": "the inter-pupil distance",
    "box_size": "the box's size",
    "box_diagonal": "the box's diagonal",
}


def spoken(normaliser: str) -> str:
    """A reference length, or a phrase with one in it, in words: ``8 % of the inter-ocular distance``.

    One that is not common stays what the skeleton calls it.
    """
    for key, words in _LENGTHS.items():
        normaliser = re.sub(rf"\b{key}\b", words, normaliser)
    return together(normaliser)


def title(metric: str) -> str:
    """The metric's name for people; its key where nothing is known of it."""
    return METRICS[metric].title if metric in METRICS else metric


def meaning(metric: str) -> str:
    """One sentence, or nothing."""
    return METRICS[metric].meaning if metric in METRICS else ""


def better(metric: str) -> str:
    """``lower``, ``higher`` or nothing."""
    return METRICS[metric].better if metric in METRICS else ""
