"""Content of the sample city: who there is, what people call about, who must do what.

Everything here is invented or public; the tables are marked synthetic by the pack that carries them.
"""

from gridgov.sample.content.phrases import Phrase, load_phrases
from gridgov.sample.content.tables import write_tables

__all__ = ["Phrase", "load_phrases", "write_tables"]
