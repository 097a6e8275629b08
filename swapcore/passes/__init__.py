"""What compositors get: each frame's passes (the swapped frame, the face alone, its matte) as sequences or movies."""
