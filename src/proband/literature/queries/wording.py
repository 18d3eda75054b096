"""The words an engine gets when it is to write a query: a changed word here is a changed treatment.

The golden file ``tests/prompts/search.txt`` shows every prompt.
"""

from collections.abc import Mapping, Sequence

SYSTEM = "You are an information specialist who writes Boolean queries for systematic reviews."
_LANGUAGE = (
    "The query language knows AND, OR and NOT in capitals, with brackets wherever AND and OR meet; phrases in "
    'quotation marks; an asterisk at the end of a word for any ending, as nudg*; "NEAR/3" for at most three words '
    "between; title: or abstract: before a term for that field alone. It knows no other signs."
)
_ONE_LINE = "Reply with the query on one line and nothing else."
_LINES = "One a line, nothing else."

# The same request in other words: how much the query depends on them is part of the result.
ONE = (
    "Write a Boolean query that finds the studies which answer this question:\n\n{question}\n\n{language}\n\n"
    "{one_line}",
    "A systematic review asks:\n\n{question}\n\nWhich Boolean query would you put to a data base of titles and "
    "abstracts, so that few relevant studies are missed?\n\n{language}\n\n{one_line}",
    "Question of a review: {question}\n\nTurn it into a Boolean query: for each concept of the question a block of "
    "synonyms joined by OR, the blocks joined by AND.\n\n{language}\n\n{one_line}",
)
CONCEPTS = (
    "Question of a systematic review: {question}\n\nWhich two to four concepts must a study be about to answer it? "
    "Name each in one to four words. {lines}",
    "A review asks: {question}\n\nSplit the question into the two to four ideas that every relevant study deals with. "
    "Give each in one to four words. {lines}",
    "{question}\n\nStudies that answer this question are to be searched for. List the two to four concepts to search "
    "by, each in one to four words. {lines}",
)
WORDINGS = len(ONE)
_SYNONYMS = (
    "Question of a systematic review: {question}\n\nOne of its concepts is: {concept}\n\nUnder which words do titles "
    "and abstracts speak of it? List up to ten words or short phrases; put an asterisk at the end of a word that may "
    "have other endings. {lines}"
)
_BLOCKS = (
    "Question of a systematic review: {question}\n\nTerms for each of its concepts:\n{terms}\n\nWrite the query: for "
    "each concept a block of its terms joined by OR, the blocks joined by AND. Leave out terms that would find much "
    "that is irrelevant.\n\n{language}\n\n{one_line}"
)
_REFINE = (
    "Question of a systematic review: {question}\n\nThis query was written for it:\n{query}\n\nA check says:\n{check}"
    "\n\nWrite it anew so that this is mended and few relevant studies are missed.\n\n{language}\n\n{one_line}"
)


def one_text(question: str, wording: int) -> str:
    """The query in one request, in the wording with this number, from 0."""
    return ONE[wording].format(question=question, language=_LANGUAGE, one_line=_ONE_LINE)


def concepts_text(question: str, wording: int) -> str:
    """The first guided step, in the wording with this number, from 0."""
    return CONCEPTS[wording].format(question=question, lines=_LINES)


def synonyms_text(question: str, concept: str) -> str:
    """The second guided step, for one concept."""
    return _SYNONYMS.format(question=question, concept=concept, lines=_LINES)


def blocks_text(question: str, terms: Mapping[str, Sequence[str]]) -> str:
    """The third guided step."""
    shown = "\n".join(f"{concept}: {'; '.join(found)}" for concept, found in terms.items())
    return _BLOCKS.format(question=question, terms=shown, language=_LANGUAGE, one_line=_ONE_LINE)


def refine_text(question: str, query: str, check: Sequence[str]) -> str:
    """The last guided step, with what the rules found."""
    told = "\n".join(f"- {line}" for line in check)
    return _REFINE.format(question=question, query=query, check=told, language=_LANGUAGE, one_line=_ONE_LINE)
