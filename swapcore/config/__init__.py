"""Settings: `fields` declares them, `load` checks a configuration, `schema` describes it to editors."""

from swapcore.config.bounds import read as read_yaml
from swapcore.config.entries import FORMS
from swapcore.config.fields import SECTIONS
from swapcore.config.kinds import NAME, Section
from swapcore.config.load import Project, load, parse, parse_clips
from swapcore.config.schema import schema

__all__ = ["FORMS", "NAME", "SECTIONS", "Project", "Section", "load", "parse", "parse_clips", "read_yaml", "schema"]
