"""What is remembered of signatures is what Beam finds by itself, and forgotten afterwards."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.coders import BytesCoder
from apache_beam.runners.common import DoFnSignature
from apache_beam.transforms import core, userstate
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer

from pipelines.live.signatures import signatures_remembered


class Plain(beam.DoFn):
    def process(self, element, at=beam.DoFn.TimestampParam):
        yield element


class Keeping(beam.DoFn):
    KEPT = BagStateSpec("kept", BytesCoder())
    LATER = TimerSpec("later", TimeDomain.REAL_TIME)

    KEPT_PARAM, LATER_PARAM = beam.DoFn.StateParam(KEPT), beam.DoFn.TimerParam(LATER)

    def process(self, element, kept=KEPT_PARAM, later=LATER_PARAM):
        kept.add(element)

    @on_timer(LATER)
    def fire(self, kept=KEPT_PARAM):
        yield from kept.read()


def one(element):
    return element


def two(element, at=beam.DoFn.TimestampParam, *, more=1):
    return element, at, more


class Holder:
    def one(self, element):
        return element

    def kept(self, element, kept=Keeping.KEPT_PARAM):
        return element, kept


WRAPPED = (one, two, lambda e: e, lambda e, w=beam.DoFn.WindowParam: e)
METHODS = (Holder().one, Holder().kept)
STEPS = [Plain(), Keeping(), Keeping(), *(beam.Map(f).fn for f in WRAPPED), *(beam.FlatMap(m).fn for m in METHODS)]


def told(step):
    signature = DoFnSignature(step)
    methods = (signature.process_method, signature.start_bundle_method, signature.finish_bundle_method)
    return (
        userstate.get_dofn_specs(step),
        userstate.is_stateful_dofn(step),
        [(m.args, list(map(str, m.defaults))) for m in methods],
    )


@pytest.mark.parametrize("turn", [STEPS, STEPS[::-1]], ids=["forth", "back"])
def test_every_step_has_the_signature_that_beam_finds(turn):
    plain = [told(step) for step in turn]
    with signatures_remembered():
        assert [told(step) for step in turn] == plain
        assert [told(step) for step in turn] == plain  # now from memory
    states = {spec.name for step in turn for specs in told(step)[0] for spec in specs}
    assert states == {"kept", "ts-later"}


def test_nothing_stays():
    before = core.get_signature, userstate.get_dofn_specs
    with pytest.raises(KeyError, match="False, False"), signatures_remembered():
        raise KeyError(core.get_signature is before[0], userstate.get_dofn_specs is before[1])
    assert (core.get_signature, userstate.get_dofn_specs) == before


def test_a_class_is_looked_at_once(monkeypatch):
    from pipelines.live import signatures

    looked = []
    real = signatures._specs_of
    monkeypatch.setattr(signatures, "_specs_of", lambda step: looked.append(type(step)) or real(step))
    with signatures_remembered():
        for _ in range(3):
            assert userstate.is_stateful_dofn(Keeping())
            assert not userstate.is_stateful_dofn(Plain())
    assert looked == [Keeping, Plain]
