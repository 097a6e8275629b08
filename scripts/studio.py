"""One synthetic clip: an actor of the studio talks, with a voice that fits the lips."""

from __future__ import annotations

from fractions import Fraction

from common import arguments, run

from swapcore import config, progress, store, studio, video
from swapcore.config.fields import StudioClip

ENCODER = {"crf": 12, "preset": "fast"}  # a source is kept better than a result
SAMPLE_RATE = 44100  # Hz


def main(args):
    """Render and encode the picture, then add the voice."""
    settings, play = config.parse("studio", args.settings), StudioClip.model_validate_json(args.clip_settings)
    part = {"performance": play.performance, "seconds": play.seconds, "scene": play.scene}
    look = {"size": settings.size, "rate": settings.rate, "grain": settings.grain}
    frames = (frame_bgr for frame_bgr, _ in studio.clip(play.actor, **part, **look))
    frames = progress.track(frames, round(play.seconds * settings.rate), args.out.stem)
    samples = studio.voice(studio.Performance(play.performance), seconds=play.seconds, sample_rate=SAMPLE_RATE)
    side = {"width": settings.size, "height": settings.size}
    silent = args.out.with_name(
        f".{args.out.stem}.silent.mp4"
    )  # always the same: what a kill leaves of it is written over
    try:
        with store.atomic(args.out) as out:
            video.encode(silent, frames, **side, rate=Fraction(settings.rate), **ENCODER)
            video.add_sound(out, video=silent, samples=samples, sample_rate=SAMPLE_RATE)
    finally:
        silent.unlink(missing_ok=True)


if __name__ == "__main__":
    options = {"settings": "text: JSON of the section studio", "clip_settings": "text: JSON of one of studio.clips"}
    run(main, arguments(__doc__, **options, out="file: the clip, .mp4"))
