"""The entry `sampler` of a model's `config.json`.

solver, steps, guidance, guidance_interval   what a request gets that does not say
plan_guidance                                how closely a plan is kept to, as `guidance` for the prompt; 1: not more
joint_guidance                               true: text and plan are led away from together, by `guidance`
power                                        of the times of the steps, see `sampling.schedule`; default 1

The last three are how the model was trained to be sampled, or what was found best for it; no request names them.
"""

from __future__ import annotations

import math
from typing import Any

POWERS = (0.2, 5.0)


def sampler_fault(sampler: dict) -> str:
    """What is wrong with the entry; "" for nothing."""
    interval: Any = sampler.get("guidance_interval")
    power: Any = sampler.get("power", 1.0)
    if not isinstance(sampler.get("solver"), str):
        return "'sampler' names no solver"
    if "guidance_interval" not in sampler:
        return "'sampler' has no guidance_interval"
    if type(sampler.get("steps")) is not int or sampler["steps"] < 1:
        return "'steps' of the sampler is not a positive integer"
    if not numbers([sampler.get("guidance"), sampler.get("plan_guidance", 1.0)]):
        return "'guidance' or 'plan_guidance' of the sampler is not a number"
    if interval is not None and not (numbers(interval) and len(interval) == 2 and 0 <= interval[0] <= interval[1] <= 1):
        return "'guidance_interval' of the sampler is not two numbers in [0, 1]"
    if not (numbers([power]) and POWERS[0] <= power <= POWERS[1]):
        return f"'power' of the sampler is not a number from {POWERS[0]:g} to {POWERS[1]:g}"
    if not isinstance(sampler.get("joint_guidance", False), bool):
        return "'joint_guidance' of the sampler is not true or false"
    if sampler.get("joint_guidance") and sampler.get("plan_guidance", 1.0) != 1:
        return "the sampler has both 'joint_guidance' and 'plan_guidance'"
    return ""


def numbers(values: Any) -> bool:
    """A list of finite numbers?"""
    return isinstance(values, (list, tuple)) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) for value in values
    )
