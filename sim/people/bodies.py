"""Athletes as parameter sets: strength, gait and manners, each value with its range and its source.

SI units. "Assumption" marks a value that no published source backs.
"""

from typing import NamedTuple

from sim.world.parameters import FACTS, Fact


class Body(NamedTuple):
    """An athlete: strength, gait, nerves, stamina, and how a length is walked."""

    body_mass_kg: float = 80.0
    pull_N_per_kg: float = 6.7  #: horizontal stall force per body mass, walking backward
    push_N_per_kg: float = 5.0
    top_pull_m_per_s: float = 4.2  #: speed at which the horizontal force is used up
    top_push_m_per_s: float = 6.0
    pace_pull_m_per_s: float = 1.0
    pace_push_m_per_s: float = 1.1
    steps_per_s: float = 1.9
    step_time_cv: float = 0.03
    asymmetry: float = 0.04  #: (left - right) over their mean, of the impulse with which the foot drives
    pulse_depth: float = 0.8  #: 0: even force, 1: no force between two steps, more: the foot brakes first
    onset_s: float = 1.2
    slowing_m_per_s2: float = 0.6
    turn_s: float = 2.0
    patience_s: float = 8.0  #: gives up after pushing this long in vain
    step_time_asymmetry: float = 0.0  #: (left - right) over their mean, of the step's duration
    drive_part: float = 1.0  #: part of a step in which the foot drives; the rest double support or flight
    sprint_steps_per_s: float = 3.2  #: cadence when all out
    reaction_s: float = 0.22  #: until another load changes the effort
    effort_N_per_s_kg: float = 8.0  #: greatest change of the effort, per body mass
    brace_N_per_kg: float = 10.0  #: greatest force of the feet when they dig in
    critical_W_per_kg: float = 2.6  #: power at the hitch that can be kept up
    reserve_J_per_kg: float = 180.0  #: work above it until the reserve is empty
    tired_pace: float = 0.3  #: part of the pace lost with an empty reserve
    tired_cv: float = 1.0  #: growth of the step-time variability with an empty reserve


BODY_FACTS = {
    "body_mass_kg": Fact(30.0, 200.0, "given by the user"),
    "pull_N_per_kg": Fact(
        3.0, 10.0, "6.74 recreational to 7.24 sprinters, from Cross et al. 2017; old and limping: assumption"
    ),
    "push_N_per_kg": Fact(2.0, 8.0, "0.73 of the pull: ratio of loads in Cahill's pull and push studies"),
    "top_pull_m_per_s": Fact(
        2.0,
        6.0,
        "assumption: half of the forward 8.38 (recreational) and 9.80 (sprinters), Cross et al. 2017",
    ),
    "top_push_m_per_s": Fact(3.0, 10.0, "assumption: forward, but with the hands on the sled"),
    "pace_pull_m_per_s": Fact(0.3, 2.5, "sled work walking backward: 0.5 to 1.5 m/s; sprinter: assumption"),
    "pace_push_m_per_s": Fact(0.3, 2.5, "assumption: a little faster than backward"),
    "steps_per_s": Fact(
        1.4, 4.2, "1.5 to 2.5 walking, the same backward (Laufer 2005); 4.2 in a recorded sprint"
    ),
    "step_time_cv": Fact(
        0.0, 0.10, "assumption: 1 to 3 % in walking, below 6 % in old age (Gabell 1984), 4 to 6 % in sprints"
    ),
    "asymmetry": Fact(
        -0.4, 0.4, "assumption; 10 % is a usual bound of the healthy, stroke and injury go far beyond"
    ),
    "pulse_depth": Fact(0.0, 2.0, "assumption, chosen to give 5 to 16 % speed ripple at half body weight"),
    "onset_s": Fact(0.3, 3.0, "assumption"),
    "slowing_m_per_s2": Fact(0.2, 2.0, "assumption"),
    "turn_s": Fact(0.5, 60.0, "assumption"),
    "patience_s": Fact(2.0, 60.0, "assumption"),
    "step_time_asymmetry": Fact(-0.4, 0.4, "assumption"),
    "drive_part": Fact(0.4, 1.0, "assumption: double support is longer backward and in old age"),
    "sprint_steps_per_s": Fact(1.4, 4.2, "4.2 in a recorded sprint; others: assumption"),
    "reaction_s": Fact(0.1, 0.5, "assumption: 0.2 to 0.25 s, the old later"),
    "effort_N_per_s_kg": Fact(2.0, 40.0, "assumption: from nothing to full force in about 1 s, over steps"),
    "brace_N_per_kg": Fact(3.0, 15.0, "assumption: shoes hold about one body weight"),
    "critical_W_per_kg": Fact(
        0.5, 5.0, "assumption: as of cyclists, 2.5 to 3.5; the model is that of Skiba and Clarke 2021"
    ),
    "reserve_J_per_kg": Fact(
        30.0, 400.0, "assumption: as of cyclists, 10 to 25 kJ; the model is that of Skiba and Clarke 2021"
    ),
    "tired_pace": Fact(0.0, 0.6, "assumption"),
    "tired_cv": Fact(0.0, 3.0, "assumption"),
}

#: Who each kind of athlete is, and where its values come from.
ABOUT = {
    "recreational": "An adult who trains now and then: force and speed from Cross et al. 2017, gait assumed.",
    "strong": "A heavy, trained athlete with even steps: force as of sprinters in Cross et al. 2017.",
    "elderly": "Past seventy: slow, uneven in time, with long double support and late nerves; all assumed.",
    "sprinter": "Short, fast steps at 4.2 Hz as in a recorded sprint; force from Cross et al. 2017.",
    "limping": "Spares the right leg, which drives less and for a shorter time; all assumed.",
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
        sprint_steps_per_s=3.4,
        critical_W_per_kg=3.0,
        reserve_J_per_kg=220.0,
    ),
    "elderly": Body(
        body_mass_kg=68.0,
        pull_N_per_kg=4.2,
        push_N_per_kg=3.2,
        top_pull_m_per_s=2.4,
        top_push_m_per_s=3.2,
        pace_pull_m_per_s=0.6,
        pace_push_m_per_s=0.7,
        steps_per_s=1.6,
        step_time_cv=0.055,
        asymmetry=0.06,
        pulse_depth=0.2,
        onset_s=1.8,
        slowing_m_per_s2=0.4,
        turn_s=3.5,
        drive_part=0.7,
        sprint_steps_per_s=2.2,
        reaction_s=0.3,
        effort_N_per_s_kg=4.0,
        brace_N_per_kg=7.0,
        critical_W_per_kg=1.3,
        reserve_J_per_kg=90.0,
    ),
    "sprinter": Body(
        body_mass_kg=78.0,
        pull_N_per_kg=7.2,
        push_N_per_kg=5.3,
        top_pull_m_per_s=4.9,
        top_push_m_per_s=7.0,
        pace_pull_m_per_s=1.8,
        pace_push_m_per_s=2.2,
        steps_per_s=4.2,
        step_time_cv=0.045,
        asymmetry=0.03,
        pulse_depth=1.5,
        onset_s=1.4,
        slowing_m_per_s2=1.2,
        turn_s=2.0,
        drive_part=0.8,
        sprint_steps_per_s=4.2,
        reaction_s=0.18,
        effort_N_per_s_kg=14.0,
        brace_N_per_kg=12.0,
        critical_W_per_kg=2.8,
        reserve_J_per_kg=260.0,
    ),
    "limping": Body(
        body_mass_kg=76.0,
        pull_N_per_kg=5.0,
        push_N_per_kg=3.8,
        top_pull_m_per_s=3.0,
        top_push_m_per_s=4.2,
        pace_pull_m_per_s=0.75,
        pace_push_m_per_s=0.85,
        steps_per_s=1.7,
        step_time_cv=0.04,
        asymmetry=0.25,
        pulse_depth=0.25,
        turn_s=3.0,
        step_time_asymmetry=0.2,
        drive_part=0.85,
        sprint_steps_per_s=2.3,
        critical_W_per_kg=2.0,
        reserve_J_per_kg=130.0,
    ),
}

FACTS[Body] = BODY_FACTS
