"""What a clip and its alpha show without a truth: which frames to look at, and why."""

from mattekit.metrics.blind.findings import Finding, find
from mattekit.metrics.blind.inspector import Inspector
from mattekit.metrics.blind.look import Look
from mattekit.metrics.blind.suspicion import CAUSES, suspicions

__all__ = ["CAUSES", "Finding", "Inspector", "Look", "find", "suspicions"]
