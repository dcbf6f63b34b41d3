// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {StakeVault} from "../../src/StakeVault.sol";
import {TestUSD} from "../../src/TestUSD.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Does anything that operators, strangers and the disputes contract, which this is, may do with a vault. A call
/// that the contract refuses is an outcome like any other.
contract StakeVaultHandler is Test {
    uint256 internal constant PARTIES = 4;
    uint256 internal constant MIN_PER_SLOT = 1e6;
    address internal constant SINK = address(0x517);

    TestUSD public immutable TOKEN;
    StakeVault public immutable VAULT;

    uint256 public donated;
    mapping(address operator => uint256) internal locksOf;

    constructor() {
        TOKEN = new TestUSD();
        VAULT = new StakeVault(address(TOKEN), MIN_PER_SLOT, 1 days, 2 days, address(this), SINK);
        for (uint256 i; i < PARTIES; ++i) {
            TOKEN.mint(party(i), 1e12);
            vm.prank(party(i));
            TOKEN.approve(address(VAULT), type(uint256).max);
        }
    }

    function party(uint256 index) public pure returns (address) {
        return address(uint160(0x57A4E00 + index % PARTIES));
    }

    /// @dev Another one, `by` places further.
    function _next(uint256 who, uint256 by) internal pure returns (address) {
        return party(who % PARTIES + by);
    }

    /// @dev All that the vault can owe, and what holds of each stake.
    function owed() external view returns (uint256 units) {
        units = donated + VAULT.claimable(SINK);
        for (uint256 i; i < PARTIES; ++i) {
            StakeVault.Stake memory stake = VAULT.stakeOf(party(i));
            units += stake.amount + VAULT.claimable(party(i));
            assertLe(stake.unbonding, stake.amount, "more is leaving than is there");
            assertEq(stake.unbonding == 0 || stake.unbondingAt != 0 ? 1 : 0, 1, "leaving without a time");
            assertEq(stake.locks, locksOf[party(i)], "locks");
        }
    }

    function bond(uint256 who, uint256 from, uint256 amount, uint32 slots) external {
        vm.prank(party(from));
        try VAULT.bond(party(who), slots % 4, bound(amount, 0, 1e8)) {} catch {}
    }

    function requestUnbond(uint256 who, uint256 amount, uint32 slots) external {
        uint256 stake = VAULT.stakeOf(party(who)).amount;
        vm.prank(party(who));
        try VAULT.requestUnbond(slots % 4, bound(amount, 0, stake + 1)) {} catch {}
    }

    function cancelUnbond(uint256 who) external {
        vm.prank(party(who));
        try VAULT.cancelUnbond() {} catch {}
    }

    function finalizeUnbond(uint256 who, uint256 wait) external {
        vm.warp(block.timestamp + bound(wait, 0, 3 days));
        StakeVault.Stake memory before = VAULT.stakeOf(party(who));
        vm.prank(party(who));
        try VAULT.finalizeUnbond(party(who)) {
            assertEq(before.locks, 0, "stake left under an open dispute");
            assertLe(before.unbondingAt, block.timestamp, "stake left before its time");
        } catch {}
    }

    function lock(uint256 who) external {
        VAULT.lock(party(who));
        ++locksOf[party(who)];
    }

    function unlock(uint256 who) external {
        try VAULT.unlock(party(who)) {
            --locksOf[party(who)];
        } catch {
            assertEq(locksOf[party(who)], 0, "a lock could not be opened");
        }
    }

    function slash(uint256 who, uint256 amount, uint256 toBuyer, uint256 toReporter, uint256 toJuror) external {
        address operator = party(who);
        uint256 stake = VAULT.stakeOf(operator).amount;
        amount = bound(amount, 0, stake + 1);
        StakeVault.Shares memory shares;
        shares.buyer = StakeVault.Share(_next(who, 1), bound(toBuyer, 0, amount));
        shares.reporter = StakeVault.Share(_next(who, 2), bound(toReporter, 0, amount));
        shares.jurors = new StakeVault.Share[](2);
        shares.jurors[0] = StakeVault.Share(_next(who, 3), bound(toJuror, 0, amount / 4));
        shares.jurors[1] = StakeVault.Share(party(who), 0);
        uint256 sunk = VAULT.claimable(SINK);
        try VAULT.slash(operator, amount, shares) {
            assertTrue(locksOf[operator] != 0, "a stake without dispute was slashed");
            assertLe(amount, stake, "slashed above the stake");
            // Three tenths at least reach neither claimants nor jurors: no conviction pays for itself.
            assertTrue((VAULT.claimable(SINK) - sunk) * 10 + 10 >= amount * 3, "a slash paid its claimants");
        } catch {}
    }

    function slashForSink(uint256 who, uint256 amount, bool byStranger) external {
        uint256 stake = VAULT.stakeOf(party(who)).amount;
        if (byStranger) vm.prank(_next(who, 1));
        try VAULT.slashForSink(party(who), bound(amount, 0, stake + 1)) {
            assertTrue(!byStranger && locksOf[party(who)] != 0, "slashed by nobody's right");
        } catch {}
    }

    function withdrawClaimable(uint256 who) external {
        vm.prank(party(who));
        try VAULT.withdrawClaimable(party(who)) {} catch {}
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 0, 1e6);
        TOKEN.mint(address(VAULT), amount);
        donated += amount;
    }
}
