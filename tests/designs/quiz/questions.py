"""A small bank: two domains, made up for these tests."""

from proband.instruments.banks.bank import Bank, Question

_CAPITALS = (("France", "Paris"), ("Italy", "Rome"), ("Norway", "Oslo"), ("Austria", "Vienna"), ("Spain", "Madrid"))
_SUMS = ((1, 1), (2, 1), (2, 3), (4, 3), (5, 4))


def capitals(n=5, start=0):
    """Questions of the domain places; the first option is right in turn."""
    cities = [city for _, city in _CAPITALS]
    made = []
    for k in range(start, start + n):
        country, city = _CAPITALS[k % 5]
        others = [other for other in cities if other != city][:3]
        place = k % 4
        choices = (*others[:place], city, *others[place:])
        made.append(
            Question(
                id=f"capital-{k}",
                text=f"What is the capital of {country}{'' if k < 5 else f' ({k})'}?",
                choices=choices,
                answer=place,
                domain="places",
                explanation=f"{city} is the seat of {country}'s government.",
            )
        )
    return tuple(made)


def sums(n=5, start=0):
    """Questions of the domain sums, with three options."""
    made = []
    for k in range(start, start + n):
        a, b = _SUMS[k % 5]
        a += 100 * (k // 5)
        place = k % 3
        options = [str(a + b + d) for d in (10, 20)]
        choices = (*options[:place], str(a + b), *options[place:])
        made.append(Question(id=f"sum-{k}", text=f"{a} + {b} =", choices=choices, answer=place, domain="sums"))
    return tuple(made)


def bank(n=3):
    """`n` questions of each domain, in turn."""
    pairs = zip(capitals(n, start=10), sums(n, start=10), strict=True)
    return Bank(name="small", questions=tuple(question for pair in pairs for question in pair))


def exemplars():
    """Five of each domain."""
    return Bank(name="exemplars", questions=(*capitals(), *sums()))
