"""Athletes as parameter sets: strength, gait and manners, each value with its range and its source.

SI units. "Assumption" marks a value that no published source backs.
"""

from typing import NamedTuple

from sim.parameters import FACTS, Fact


class Body(NamedTuple):
    """An athlete: strength, gait, and how a length is walked."""

    body_mass_kg: float = 80.0
    pull_N_per_kg: float = 6.7  #: horizontal stall force per body mass, walking backward
    push_N_per_kg: float = 5.0
    top_pull_m_per_s: float = 4.2  #: speed at which the horizontal force is used up
    top_push_m_per_s: float = 6.0
    pace_pull_m_per_s: float = 1.0
    pace_push_m_per_s: float = 1.1
    steps_per_s: float = 1.9
    step_time_cv: float = 0.03
    asymmetry: float = 0.04  #: (left - right) over their mean, of the step's impulse
    pulse_depth: float = 0.8  #: 0: even force, 1: the force vanishes between two steps
    onset_s: float = 1.2
    slowing_m_per_s2: float = 0.6
    turn_s: float = 2.0
    patience_s: float = 8.0  #: gives up after pushing this long in vain


BODY_FACTS = {
    "body_mass_kg": Fact(30.0, 200.0, "given by the user"),
    "pull_N_per_kg": Fact(3.0, 10.0, "6.74 recreational to 7.24 sprinters, from Cross et al. 2017"),
    "push_N_per_kg": Fact(2.0, 8.0, "0.73 of the pull: ratio of loads in Cahill's pull and push studies"),
    "top_pull_m_per_s": Fact(2.0, 6.0, "assumption: half of the recreational 8.38 m/s forward"),
    "top_push_m_per_s": Fact(3.0, 10.0, "assumption: forward, but with the hands on the sled"),
    "pace_pull_m_per_s": Fact(0.3, 2.5, "sled work walking backward: 0.5 to 1.5 m/s"),
    "pace_push_m_per_s": Fact(0.3, 2.5, "assumption: a little faster than backward"),
    "steps_per_s": Fact(1.4, 4.2, "1.5 to 2.5 walking; up to 4.2 in sprints"),
    "step_time_cv": Fact(0.0, 0.10, "assumption: 1 to 3 % in walking, 4 to 6 % in sprints"),
    "asymmetry": Fact(-0.4, 0.4, "assumption"),
    "pulse_depth": Fact(0.0, 1.0, "assumption, chosen to give 5 to 16 % speed ripple at half body weight"),
    "onset_s": Fact(0.3, 3.0, "assumption"),
    "slowing_m_per_s2": Fact(0.2, 2.0, "assumption"),
    "turn_s": Fact(0.5, 60.0, "assumption"),
    "patience_s": Fact(2.0, 60.0, "assumption"),
}

#: Kinds of athlete by name, before the body mass of the person is filled in.
ATHLETES = {
    "recreational": Body(),
    "strong": Body(
        body_mass_kg=95.0,
        pull_N_per_kg=7.2,
        push_N_per_kg=5.3,
        pace_pull_m_per_s=1.2,
        pace_push_m_per_s=1.35,
        steps_per_s=2.1,
        step_time_cv=0.02,
        asymmetry=0.02,
    ),
}

FACTS[Body] = BODY_FACTS
