"""A between-subjects experiment with two arms, on a scripted engine."""

from proband import Experiment, Instrument, Item, load_population

ENGINE = "scripted:spatial?fact=PID&low=0&high=6&width=0.5&position_bias=0.2&refuse=0.05&seed=6"
SUPPORT = Item(
    id="support",
    text="A disease will kill 600 people. The programme means that {factor:frame}. Do you support it?",
    form="scale",
    options=("no", "rather no", "rather yes", "yes"),
)


def design():
    return Experiment(
        instrument=Instrument(id="support", title="frame on support", items=(SUPPORT,)),
        factors={"frame": {"loss": "400 of 600 die", "gain": "200 of 600 are saved"}},
        subjects=load_population("anes-1996").where("PID", (0, 6)).sample(40, seed=15),
        seed=15,
        block_by="PID",
        order="counterbalanced",
        persona="third",
    )


def engines():
    return ENGINE
