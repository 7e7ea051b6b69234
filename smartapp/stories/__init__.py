"""The fixture patients: read with their dates set, and written as Bundles for any sandbox."""

from smartapp.stories.story import Story, load_practitioners, load_stories, set_dates

__all__ = ["Story", "load_practitioners", "load_stories", "set_dates"]
