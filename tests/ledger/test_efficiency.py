"""What a multiplication with accumulation takes, by hand."""

from ledger_samples import approx, make_ledger

from twinbar.emulator.contract.activity import Activity, ActivityTotal
from twinbar.hw.actions import Action


def forward(macs: int, cycles: int = 1000) -> Activity:
    made = Activity.of({Action.CONVERT_FORWARD: 100, Action.RESPONSE_BEAT: 10}, cycles=cycles)
    made.macs = macs
    return made


def test_energy_per_mac_is_that_of_the_forward_programs():
    ledger = make_ledger(tiles=1)
    ledger.add("forward", forward(12_800))
    # Writing is no part of it.
    ledger.add("write", Activity.of({Action.CONVERT_VERIFY: 1000}, cycles=5000))
    found = ledger.summary()["efficiency"]
    assert found["macs"] == 12_800
    # 100 conversions of 6.5 pJ.
    assert found["pj_per_mac"]["forward"] == approx(650 / 12_800)
    assert found["tops_per_w"]["forward"] == approx(2 / (650 / 12_800))
    # With 10 beats of 6.2 pJ, and in 1000 cycles of 10 ns: leakage 15 uW, dispatcher 200 uW; no phases, so no more.
    system_pj = 650 + 62 + (15 + 200) * 1e-6 * 10e-6 / 1e-12
    assert found["pj_per_mac"]["system"] == approx(system_pj / 12_800)
    assert found["tops"] == approx(2 * 12_800 / 10e-6 / 1e12)
    # The converter by a factor of 2.
    assert found["uncertainty_pj"]["forward"]["worst_case"] == approx([325 / 12_800, 1300 / 12_800])


def test_multiplications_that_nobody_counted_have_no_efficiency():
    ledger = make_ledger()
    ledger.add("forward", forward(0))
    assert "efficiency" not in ledger.summary()


def test_macs_add_up_and_are_stored():
    total = forward(5)
    total += forward(7)
    assert total.macs == 12
    assert total.copy().macs == 12
    exact = ActivityTotal.of(total)
    assert ActivityTotal.from_state_dict(exact.state_dict()) == exact
    # A checkpoint of an earlier version has none.
    state = exact.state_dict()
    del state["macs"]
    assert ActivityTotal.from_state_dict(state).macs == 0
    assert (exact - ActivityTotal.of(forward(5))).macs == 7


def test_a_period_has_its_own():
    ledger = make_ledger()
    ledger.add("forward", forward(5))
    start = ledger.snapshot()
    ledger.add("forward", forward(3))
    assert ledger.summary(since=start)["efficiency"]["macs"] == 3
