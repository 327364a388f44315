"""How a measurement is printed: what, how much, and its ratio to the line it is compared with."""


class Missing(Exception):
    """Why a part cannot be measured here."""


def heading(title: str) -> None:
    print(f"\n{title}", flush=True)


def line(what: str, value: str, ratio: str = "") -> None:
    print(f"  {what:<46} {value:>18}   {ratio}".rstrip(), flush=True)


def skipped(reason: str) -> None:
    print(f"  skipped: {reason}", flush=True)
