"""The one way out: suppression, secondary suppression, rounding, audit, previous releases."""

from pcref_analysis.vocabulary.public import face

__getattr__, __dir__ = face(
    __name__,
    {
        "Releasable": "disclosure.release_tables:Releasable",
        "release": "disclosure.release_tables:release",
        "release_all": "disclosure.release_tables:release_all",
        "release_by_plan": "disclosure.release_tables:release_by_plan",
        "release_published": "disclosure.release_tables:release_published",
        "plan": "disclosure.release_tables:plan",
        "joined": "disclosure.release_tables:joined",
        "derive": "disclosure.release_tables:derive",
        "attack": "disclosure.release_tables:attack",
        "attack_beside": "disclosure.release_tables:attack_beside",
        "attack_files": "disclosure.release_tables:attack_files",
        "says_the_same": "disclosure.release_tables:says_the_same",
        "stop_on": "disclosure.release_tables:stop_on",
        "write": "disclosure.release_tables:write",
        "read": "disclosure.release_tables:read",
    },
)
