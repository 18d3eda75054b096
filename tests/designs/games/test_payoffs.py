"""What every game pays, by hand; what it calls illegal; and what theory says of it."""

import pytest
from pydantic import ValidationError

from proband.designs.games.bargaining import Bargaining
from proband.designs.games.beauty_contest import BeautyContest
from proband.designs.games.budget import Budget
from proband.designs.games.cascade import Cascade
from proband.designs.games.centipede import Centipede
from proband.designs.games.common_pool import CommonPool
from proband.designs.games.dictator import Dictator
from proband.designs.games.double_auction import DoubleAuction
from proband.designs.games.eleven_twenty import ElevenTwenty
from proband.designs.games.gift_exchange import GiftExchange
from proband.designs.games.minimum_effort import MinimumEffort
from proband.designs.games.public_goods import PublicGoods
from proband.designs.games.rules import Illegal
from proband.designs.games.sealed_bid import SealedBid
from proband.designs.games.travellers_dilemma import TravellersDilemma
from proband.designs.games.trust import Trust
from proband.designs.games.volunteers_dilemma import VolunteersDilemma
from tests.designs.games.playing import by_hand

TAKE, PASS = 0, 1


def best(rules):
    return {quantity.name: quantity.best for quantity in rules.reported}


def test_a_dictator_keeps_what_is_not_given():
    outcome = by_hand(Dictator(pot=10), all=[5])
    assert outcome.payoffs == {"giver": 5, "receiver": 5}
    assert outcome.values == {"given": 0.5, "gives nothing": 0, "gives half": 1}


def test_trust_triples_what_is_sent_and_asks_nobody_where_nothing_arrives():
    outcome = by_hand(Trust(), investor=[6], trustee=[9])
    assert outcome.payoffs == {"investor": 13, "trustee": 9}
    assert outcome.values == {"sent": 0.6, "returned": 0.5, "pays": 1}
    nothing = by_hand(Trust(trustee_endowment=10), investor=[0])
    assert nothing.payoffs == {"investor": 10, "trustee": 10}
    assert nothing.values == {"sent": 0}


def test_more_than_arrived_cannot_be_returned():
    with pytest.raises(Illegal, match="trustee: return is 10, and open are 0 to 9"):
        by_hand(Trust(), investor=[3], trustee=[10])


def test_an_effort_is_worth_ten_and_costs_what_the_table_says():
    outcome = by_hand(GiftExchange(), employer=[30], employee=[9])
    assert outcome.payoffs == {"employer": 70, "employee": 12}
    assert GiftExchange().highest() == 82


def test_the_nearest_to_two_thirds_of_the_mean_share_the_prize():
    # Mean 45, target 30: both 25 and 35 are 5 away.
    outcome = by_hand(BeautyContest(size=4), all=[25, 35, 60, 60])
    assert outcome.values == {"named": 45, "target": pytest.approx(30)}
    assert list(outcome.payoffs.values()) == [10, 10, 0, 0]


def test_one_less_than_the_other_is_paid_twenty_more():
    assert list(by_hand(ElevenTwenty(), all=[8, 9]).payoffs.values()) == [39, 20]
    assert list(by_hand(ElevenTwenty(), all=[9, 9]).payoffs.values()) == [20, 20]
    assert list(by_hand(ElevenTwenty(), all=[7, 9]).payoffs.values()) == [18, 20]


def test_the_mixed_equilibrium_of_eleven_to_twenty_is_the_published_one():
    # Arad & Rubinstein (2012): 15 to 20 with .25, .25, .20, .15, .10 and .05.
    assert best(ElevenTwenty())["asked"] == pytest.approx(16.75)
    shares = dict(zip(range(15, 21), (0.25, 0.25, 0.2, 0.15, 0.1, 0.05), strict=True))
    pays = {own: own + 20 * shares.get(own + 1, 0) for own in range(11, 21)}
    assert {own for own, paid in pays.items() if paid == pytest.approx(20)} == set(shares)
    assert max(pays.values()) == pytest.approx(20)


def test_who_takes_gets_the_larger_pile():
    at_three = by_hand(Centipede(), all=[PASS, PASS, TAKE])
    assert at_three.payoffs == {"first": 16, "second": 4}
    assert at_three.values["taken at"] == 3
    nobody = by_hand(Centipede(), all=[PASS] * 6)
    assert nobody.payoffs == {"first": 256, "second": 64}
    assert nobody.values["efficiency"] == 1
    assert by_hand(Centipede(), all=[TAKE]).values["took at once"] == 1


def test_both_travellers_get_the_lower_claim_and_the_lower_one_a_reward():
    assert list(by_hand(TravellersDilemma(), all=[150, 120]).payoffs.values()) == [115, 125]
    assert list(by_hand(TravellersDilemma(), all=[150, 150]).payoffs.values()) == [150, 150]


def test_no_claim_but_the_lowest_is_the_best_reply_to_itself():
    rules = TravellersDilemma(low=2, high=6, reward=2)

    def pays(own, other):
        return by_hand(rules, all=[own, other]).payoffs["player-1"]

    claims = range(2, 7)
    assert [c for c in claims if pays(c, c) == max(pays(own, c) for own in claims)] == [2]


def test_everybody_gains_by_the_least_effort_and_pays_for_their_own():
    outcome = by_hand(MinimumEffort(size=3), all=[6, 2, 2])
    assert list(outcome.payoffs.values()) == [60 + 60 - 70, 90, 90]
    assert outcome.values == {"effort": pytest.approx(13 / 3), "least": 3, "wasted": pytest.approx(4 / 3)}
    assert by_hand(MinimumEffort(), all=[6] * 4).payoffs["player-1"] * 4 == MinimumEffort().highest()


def test_one_volunteer_helps_all_and_pays():
    assert list(by_hand(VolunteersDilemma(), all=[0, 1, 1]).payoffs.values()) == [50, 100, 100]
    assert list(by_hand(VolunteersDilemma(), all=[1, 1, 1]).payoffs.values()) == [0, 0, 0]


def test_in_equilibrium_volunteering_and_waiting_pay_the_same():
    rules = VolunteersDilemma(size=4, value=80, cost=20)
    waits = 1 - best(rules)["volunteered"]
    assert rules.value * (1 - waits**3) == pytest.approx(rules.value - rules.cost)


def test_the_pool_pays_less_the_more_is_in_it():
    outcome = by_hand(CommonPool(size=2, endowment=10, safe=5, yields=23, falls=0.5), all=[10, 6])
    each = 23 - 0.5 * 16
    assert list(outcome.payoffs.values()) == [10 * each, 4 * 5 + 6 * each]


def test_no_player_gains_by_leaving_the_equilibrium_of_the_pool():
    # Walker, Gardner & Ostrom (1990): eight players with 10 tokens put in 8 each.
    rules = CommonPool()
    assert best(rules)["invested"] == pytest.approx(0.8)

    def pays(own):
        return by_hand(rules, all=[own, *[8] * 7]).payoffs["player-1"]

    assert max(range(11), key=pays) == 8
    assert best(rules)["rent"] == pytest.approx(1 - ((64 - 36) / 36) ** 2)


def test_what_is_contributed_pays_all():
    outcome = by_hand(PublicGoods(), all=[20, 10, 0, 0])
    assert list(outcome.payoffs.values()) == [12, 22, 32, 32]
    assert outcome.values == {"contributed": 0.375, "free-riders": 0.5}
    assert "deducted" not in best(PublicGoods())


def test_deductions_cost_one_and_take_three():
    rules = PublicGoods(size=3, pays=0.5, punishment=True)
    moves = [20, 10, 0, *[2, 0, 0], *[2, 0, 1]]  # everybody sees the others in an order drawn by lot
    outcome = by_hand(rules, draw=lambda *place: float(place[1][-1]), all=moves)
    # player-1 spends 2 on each of the others, player-3 spends 1 on player-2.
    assert outcome.payoffs == {"player-1": 15 - 4, "player-2": 25 - 6 - 3, "player-3": 35 - 1 - 6}
    assert outcome.values["deducted"] == pytest.approx(5 / 3)
    assert outcome.values["perverse"] == pytest.approx(1 / 5)


def test_the_table_of_one_member_counts_between_its_cases():
    rules = PublicGoods(size=3, pays=0.5, conditional=3)  # averages 0, 10, 20
    tables = [*[0, 5, 5], *[4, 5, 5], *[20, 5, 5]]
    lot = {"player-1": 0.1, "player-2": 0.5, "player-3": 0.9}
    outcome = by_hand(rules, draw=lambda what, seat: lot[seat], all=[20, 10, 0, *tables])
    # The others of player-1 give 5 on average: halfway between the cases 0 and 10, so 2 stands for its 20.
    assert outcome.values["contributed"] == pytest.approx((2 + 10 + 0) / 60)


def test_bargaining_ends_with_the_offer_that_is_accepted():
    rules = Bargaining(messages=False)
    outcome = by_hand(rules, first=[10, 0], second=[1, 45])
    assert outcome.payoffs == {"second": pytest.approx(45), "first": pytest.approx(45)}
    assert outcome.values["agreed at once"] == 0
    assert by_hand(rules, first=[10, 1, 10], second=[1, 45, 1]).payoffs == {"first": 0, "second": 0}


def test_a_message_goes_with_an_offer():
    outcome = by_hand(Bargaining(), first=["half each?", 50], second=[0])
    assert outcome.payoffs == {"first": 50, "second": 50}


def test_offers_in_equilibrium_follow_by_backward_induction():
    # With three offers and a pot that shrinks to d: the third proposer keeps all, so d goes to the first at the second
    # offer, and d (1 - d) to the second at the first.
    assert best(Bargaining(turns=3, shrinks=0.6))["first offer"] == pytest.approx(0.6 * 0.4)
    assert best(Bargaining(turns=1))["first offer"] == 0
    long = best(Bargaining(turns=200, shrinks=0.8))["first player"]
    assert long == pytest.approx(1 / 1.8)  # Rubinstein (1982)


def values(**worth):
    return lambda what, seat: worth[seat.replace("-", "_")] if what == "value" else 0.5


def test_the_winner_pays_their_own_bid_or_the_second_highest():
    drawn = values(player_1=0.8, player_2=0.5, player_3=0.1)
    first = by_hand(SealedBid(size=3), draw=drawn, all=[60, 40, 10])
    assert first.payoffs == {"player-1": 20, "player-2": 0, "player-3": 0}
    second = by_hand(SealedBid(size=3, price="second"), draw=drawn, all=[60, 70, 10])
    assert second.payoffs == {"player-1": 0, "player-2": -10, "player-3": 0}
    assert second.values == {
        "bid": pytest.approx((0.75 + 1.4 + 1) / 3),
        "above value": pytest.approx(1 / 3),
        "price": 0.6,
        "efficient": 0,
    }


def test_both_auctions_yield_the_same_price_in_equilibrium():
    one, two = (best(SealedBid(size=4, price=price)) for price in ("first", "second"))
    assert one["price"] == two["price"] == 0.6
    assert (one["bid"], two["bid"]) == (0.75, 1)


def test_traders_meet_at_the_price_that_stood():
    rules = DoubleAuction(values=[90], costs=[20], passes=2)
    order = {"buyer-1": 0.1, "seller-1": 0.9}
    outcome = by_hand(rules, draw=lambda *place: order[place[-1]], all=[40, 60, 50, 30])
    # Bid 40, ask 60; then the bid rises to 50, and an ask of 30 meets it there.
    assert outcome.payoffs == {"buyer-1": 40, "seller-1": 30}
    assert outcome.values["efficiency"] == 1
    assert outcome.values["price"] == 50


def test_demand_and_supply_meet_between_the_last_who_trade():
    rules = DoubleAuction()
    assert rules.highest() == (90 - 20) + (80 - 30) + (70 - 40)
    assert best(rules)["price"] == 55  # 40 to 70


def test_a_market_without_gains_is_refused():
    with pytest.raises(ValidationError, match="nothing to gain from trade"):
        DoubleAuction(values=[10], costs=[20])


def lots(state, hints):
    return lambda what, seat="": state if what == "state" else hints[seat]


def test_two_equal_guesses_outweigh_a_hint():
    # Draws below the accuracy give the right hint; the state is 0.
    hints = {"player-1": 0.1, "player-2": 0.1, "player-3": 0.9, "player-4": 0.9}
    follow = by_hand(Cascade(size=4), draw=lots(0.7, hints), all=[0, 0, 0, 0])
    assert follow.values == {"right": 1, "rational": 1, "against hint": 1, "with hint": 1}
    stubborn = by_hand(Cascade(size=4), draw=lots(0.7, hints), all=[0, 0, 1, 1])
    assert stubborn.values == {"right": 0.5, "rational": 0.5, "against hint": 0, "with hint": 1}


def test_tokens_of_a_budget_are_worth_their_rates():
    rates = {"A": 0.0, "B": 1.0}
    outcome = by_hand(Budget(accounts="giving"), draw=lambda what, name="": rates.get(name, 0.5), all=[40])
    assert outcome.payoffs == {"chooser": pytest.approx(4)}
    assert outcome.values == {"to A": 0.4, "to the better": 0.6, "rate A": 0.1, "rate B": 1.0}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: TravellersDilemma(low=10, high=10), "room between"),
        (lambda: MinimumEffort(cost=20), "not below gain"),
        (lambda: VolunteersDilemma(cost=100), "not below value"),
        (lambda: PublicGoods(pays=0.2), "no dilemma"),
        (lambda: PublicGoods(conditional=1), "at least 2 averages"),
        (lambda: GiftExchange(costs=[3, 1]), "never fall"),
        (lambda: Budget(least=1, most=1), "room between"),
    ],
)
def test_keys_that_make_no_such_game_are_refused(make, why):
    with pytest.raises(ValidationError, match=why):
        make()


@pytest.mark.parametrize("move", [True, "ten", (1, 2)])
def test_what_is_no_number_is_no_amount(move):
    with pytest.raises(Illegal, match="takes a number"):
        by_hand(Dictator(), all=[move])


@pytest.mark.parametrize("move", [7, -1, 1.0])
def test_what_is_no_option_is_no_move(move):
    with pytest.raises(Illegal, match="open are take, pass"):
        by_hand(Centipede(), all=[move])
