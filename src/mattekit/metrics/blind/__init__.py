"""What a clip and its alpha show without a truth: which frames to look at, and why."""

from mattekit.metrics.blind.findings import CAUSES, Finding, find, suspicions
from mattekit.metrics.blind.inspector import Inspector
from mattekit.metrics.blind.look import Look

__all__ = ["CAUSES", "Finding", "Inspector", "Look", "find", "suspicions"]
