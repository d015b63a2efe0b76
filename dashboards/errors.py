"""What the dashboard refuses, and what to do about it."""

from twin import TwinError


class DashboardError(TwinError):
    """Base of every error that the dashboard raises on purpose; the command line tells it like the twin's own."""


class AddressError(DashboardError):
    """The address and port that were asked for cannot be listened on."""


class NothingToShowError(DashboardError):
    """The twin holds neither a layer with a ``show`` entry nor a variable on cells."""


class FrameNotFoundError(DashboardError):
    """A frame was asked for a layer, variable or window that the twin does not have."""


class LanguageMissingError(DashboardError):
    """A language was asked for that has no catalogue, or a catalogue lacks a text."""


class QuestionError(DashboardError):
    """A question names a layer, variable, attribute or feature that the city does not have."""


class FrameRefusedError(DashboardError):
    """A GeoDataFrame cannot be shown: nobody says where it is, or a column is not there."""
