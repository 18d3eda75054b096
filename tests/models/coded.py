"""Trials about documents, as a coding study makes them."""

from proband.records import Message, Place, Reply, Request, Trial

CODES = ("economic", "social", "other")


def trial(document, text, item="area", *, form="choice", options=CODES, order=None, coder="coder", **reply):
    return Trial(
        place=Place(subject=document, item=item, condition=(("coder", coder),)),
        request=Request(messages=(Message("user", text),), max_tokens=5),
        reply=Reply(
            form=form,
            method="written",
            options=options,
            order=order or tuple(range(len(options))),
            decide="mode",
            **reply,
        ),
        answerer=coder,
        facts=(("document", text),),
    )


def answered(engine, trials):
    """What was given, by document."""
    engine.check(trials)
    return {asked.place.subject: completion for asked, completion in engine.answer(trials)}
