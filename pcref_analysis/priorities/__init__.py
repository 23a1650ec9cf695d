"""The draft priorities list: findings, evidence model, scoring, wording, engagement, changes."""

from pcref_analysis.vocabulary.public import face

__getattr__, __dir__ = face(
    __name__,
    {
        "draft": "priorities.draft_list:draft",
        "tables": "priorities.draft_list:tables",
        "rule_text": "priorities.draft_list:rule_text",
        "settings": "priorities.draft_list:settings",
        "as_text": "priorities.draft_list:as_text",
        "write": "priorities.draft_list:write",
        "read": "priorities.draft_list:read",
        "rebuild": "priorities.draft_list:rebuild",
    },
)
