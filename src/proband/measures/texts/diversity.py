"""How varied a text is: lexical diversity, repetition, and how much of it carries content."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import stats

from proband.errors import DesignError
from proband.measures.texts.power_laws import words_of

# The closed classes of English, with auxiliaries and their short forms.
_CLOSED = (
    "a an the this that these those my your his her its our their some any no every each either neither both all half "
    "several enough much many more most few fewer little less least other another such what which whose i me you he "
    "him she it we us they them myself yourself himself herself itself ourselves themselves mine yours hers ours "
    "theirs who whom someone somebody something anyone anybody anything nobody nothing everyone everybody everything "
    "one ones none in on at by for with about against between into through during before after above below to from up "
    "down out of off over under near behind beyond within without along across around among toward towards upon onto "
    "since until till past per via than as and or but nor so yet if unless because although though while whereas when "
    "whenever where wherever whether how why not never n't there here then also too very just only even still again "
    "be am is are was were been being have has had having do does did doing done will would shall should can could may "
    "might must ought i'm you're he's she's it's we're they're i've you've we've they've i'd you'd he'd she'd we'd "
    "they'd i'll you'll he'll she'll we'll they'll isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't "
    "didn't won't wouldn't shan't shouldn't can't cannot couldn't mustn't let's that's who's what's here's there's "
    "where's when's why's how's oh yes no well"
)
FUNCTION_WORDS = frozenset(_CLOSED.split())


def mtld(tokens: Sequence[str], *, threshold: float = 0.72) -> float:
    """Measure of textual lexical diversity: mean length of stretches whose share of different words stays high.

    A factor is full where the share of different words falls to the threshold; what is left at the end counts in part.
    The text is read forwards and backwards and the two are averaged.

    Parameters
    ----------
    tokens : sequence of str
        The words of a text, in order, in one case.
    threshold : float
        Share of different words at which a stretch ends.

    Returns
    -------
    float
        Words; infinity where no word comes twice.

    Raises
    ------
    DataError
        If there are fewer than 10 words.

    References
    ----------
    McCarthy and Jarvis (2010), Behavior Research Methods 42, 381-392. doi:10.3758/BRM.42.2.381

    Examples
    --------
    >>> mtld(["a", "b", "a"] * 6)
    3.0
    """
    words = words_of(tokens, 10)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise DesignError(f"threshold is {threshold!r}; give a share between 0 and 1, usually 0.72")
    factors = [_factors(words, threshold), _factors(words[::-1], threshold)]
    return math.inf if min(factors) == 0 else sum(len(words) / f for f in factors) / 2


def _factors(words: Sequence[str], threshold: float) -> float:
    full, seen, n = 0.0, set[str](), 0
    for word in words:
        seen.add(word)
        n += 1
        if len(seen) / n <= threshold:
            full, seen, n = full + 1, set(), 0
    return full + ((1 - len(seen) / n) / (1 - threshold) if n else 0.0)


def hdd(tokens: Sequence[str], *, sample: int = 42) -> float:
    """Lexical diversity as the expected share of different words in a random sample of the text (HD-D).

    Parameters
    ----------
    tokens : sequence of str
        The words of a text, in one case.
    sample : int
        Words in a sample.

    Returns
    -------
    float
        Share, in (0, 1].

    Raises
    ------
    DataError
        If the text is shorter than a sample.

    References
    ----------
    McCarthy and Jarvis (2010), Behavior Research Methods 42, 381-392. doi:10.3758/BRM.42.2.381

    Examples
    --------
    >>> round(hdd(["a", "b"] * 30, sample=2), 3)  # two of sixty words: different in 30 of 59 draws
    0.754
    """
    if isinstance(sample, bool) or not isinstance(sample, int | np.integer) or not 1 <= sample <= 10**6:
        raise DesignError(f"sample is {sample!r}; give a whole number of at least 1, usually 42")
    words = words_of(tokens, int(sample))
    counts = np.array(list(Counter(words).values()))
    return float((1 - stats.hypergeom.pmf(0, len(words), counts, sample)).sum() / sample)


def repetition(tokens: Sequence[str], *, n: int = 4) -> float:
    """Share of the runs of `n` words that the text had before.

    Parameters
    ----------
    tokens : sequence of str
        The words of a text, in order, in one case.
    n : int
        Words in a run.

    Returns
    -------
    float
        Share, in [0, 1); 0 where no run comes twice.

    Raises
    ------
    DataError
        If the text is shorter than two runs.

    References
    ----------
    Holtzman et al. (2020), The curious case of neural text degeneration, ICLR. arXiv:1904.09751

    Examples
    --------
    >>> round(repetition("to be or not to be or not".split()), 2)
    0.2
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= 10**6:
        raise DesignError(f"n is {n!r}; give a whole number of at least 1, usually 4")
    words = words_of(tokens, int(n) + 1)
    runs = [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]
    return 1 - len(set(runs)) / len(runs)


def content_density(tokens: Sequence[str]) -> float:
    """Share of an English text's words that are of no closed class: nouns, verbs, adjectives, adverbs.

    It stands for idea density, which counts propositions and takes a tagger: both fall where a text runs empty.

    Parameters
    ----------
    tokens : sequence of str
        The words of a text, in lower case.

    Returns
    -------
    float
        Share, in [0, 1].

    Raises
    ------
    DataError
        If there is no word.

    References
    ----------
    Ure (1971), Lexical density and register differentiation; Brown et al. (2008), Behavior Research Methods 40,
    540-545, on idea density. doi:10.3758/BRM.40.2.540

    Examples
    --------
    >>> round(content_density("the boat went out of the harbour".split()), 2)
    0.43
    """
    words = words_of(tokens, 1)
    return sum(word.replace("\u2019", "'") not in FUNCTION_WORDS for word in words) / len(words)
