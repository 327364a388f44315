"""Loads, devices and faults as JSON fields and as words for people. Rounds for reading, nothing else."""

from typing import TYPE_CHECKING, Any

from host.loading import Applied, Request, applied
from host.loads import G_m_per_s2, Load
from host.session import Device
from protocol import codes

if TYPE_CHECKING:
    from host.following import Away, Back

_LIMITS = {limit.name: limit.sentence for limit in codes.LIMITS}


def load_fields(load: Load) -> dict[str, float | None]:
    """Terms of one direction as the contract names them; forces to 0.1 N, the rest to a thousandth."""
    cap = load.speed_cap_m_per_s
    return {
        "force_N": round(load.force_N, 1),
        "inertia_kg": round(load.inertia_kg, 3),
        "viscous_N_s_per_m": round(load.viscous_N_s_per_m, 3),
        "quadratic_N_s2_per_m2": round(load.quadratic_N_s2_per_m2, 3),
        "stiffness_N_per_m": round(load.stiffness_N_per_m, 3),
        "speed_cap_m_per_s": None if cap is None else round(cap, 3),
    }


def request_fields(request: Request) -> dict[str, Any]:
    """What was asked for, with what it was worked out from."""
    mass_kg = request.sled_mass_kg
    return {
        "text": request.text,
        "body_mass_kg": request.body_mass_kg,
        "surface": request.surface,
        "friction": request.friction,
        "sled_mass_kg": None if mass_kg is None else round(mass_kg, 3),
    }


def applied_fields(applied: Applied) -> dict[str, Any]:
    """The device's answer."""
    return {
        "pull": load_fields(applied.pull),
        "push": load_fields(applied.push),
        "limited_by": applied.limited_by,
        "state": applied.state,
    }


def device_fields(device: Device) -> dict[str, Any]:
    """Who answered."""
    return {
        "unique_id": device.unique_id,
        "firmware": device.firmware,
        "simulated": device.is_simulated,
        "build": None if device.build_id is None else f"{device.build_id:08x}",
        "slot": device.slot,
        "on_trial": device.is_on_trial,
    }


def load_words(load: Load, friction: float) -> str:
    """Newtons, and the sled that asks as much on ground of that friction: `129.4 N (a sled of 40.0 kg)`."""
    parts = []
    if load.force_N:
        parts.append(f"{load.force_N:.1f} N (a sled of {load.force_N / (friction * G_m_per_s2):.1f} kg)")
    if load.viscous_N_s_per_m:
        parts.append(f"{load.viscous_N_s_per_m:g} N for each m/s")
    if load.quadratic_N_s2_per_m2:
        parts.append(f"{load.quadratic_N_s2_per_m2:g} N for each (m/s)²")
    if load.stiffness_N_per_m:
        parts.append(f"{load.stiffness_N_per_m:g} N for each metre")
    words = " + ".join(parts) or "no force"
    if load.inertia_kg:
        words += f", feels {load.inertia_kg:.1f} kg heavy"
    if load.speed_cap_m_per_s is not None:
        words += f", at most {load.speed_cap_m_per_s:g} m/s"
    return words


def both_ways(applied: Applied, friction: float) -> list[str]:
    """The load in one line, or in two where pull and push differ."""
    if applied.pull == applied.push:
        return [f"pull and push: {load_words(applied.pull, friction)}"]
    return [f"pull: {load_words(applied.pull, friction)}", f"push: {load_words(applied.push, friction)}"]


def limit_lines(names: list[str]) -> list[str]:
    """What limited the load, each with its sentence."""
    return [f"limited by {name}: {_LIMITS.get(name, 'unknown to this host')}" for name in names]


def device_words(device: Device) -> str:
    """`sled 0001020304050607, firmware 0.1.0 (build 1a2b3c4d, slot b, on trial)`; or `simulated sled ...`."""
    kind = "simulated sled" if device.is_simulated else "sled"
    words = f"{kind} {device.unique_id}, firmware {device.firmware}"
    if device.build_id is None:
        return words
    trial = ", on trial" if device.is_on_trial else ""
    return f"{words} (build {device.build_id:08x}, slot {device.slot}{trial})"


def state_words(state: str) -> str:
    """A mode with its sentence."""
    for mode in codes.MODES:
        if mode.name.lower() == state:
            return f"{state.replace('_', ' ')}: {mode.sentence}"
    return state


def away_line(away: "Away") -> str:
    """The link has dropped."""
    return f"{away.reason}; waiting for the sled, which goes on by itself"


def back_lines(back: "Back", friction: float) -> list[str]:
    """The sled is there again: where, and the load in force as it was read back."""
    restarted = ", and has restarted: what it measured in between is gone" if back.has_restarted else ""
    now = applied(back.status)
    load = both_ways(now, friction) if now.state in ("armed", "loading") else []
    return [
        f"back at {back.port} after {back.away_s:.1f} s{restarted}; {state_words(now.state)}",
        *(f"load in force, {line}" for line in load),
    ]
