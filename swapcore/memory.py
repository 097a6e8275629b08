"""How a job's memory is managed."""

from __future__ import annotations

# Frames are megabytes each. The C library (glibc) would give each one's memory back to the system when it is done with and
# take it again, zeroed, for the next: 200,000 page faults in 250 frames of 1920x1080, now 30,000. It keeps up to 16 MiB instead;
# what is larger than 8 (weights, frames of 4K) is given back as before.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(8 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}
