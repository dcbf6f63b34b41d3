// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {StakeVault} from "../src/StakeVault.sol";
import {TestUSD} from "../src/TestUSD.sol";
import {FeeToken} from "./support/OddTokens.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

contract StakeVaultTest is Test {
    uint256 internal constant MIN = 10e6;
    uint40 internal constant WINDOW = 3 days;
    uint40 internal constant DELAY = 7 days;

    TestUSD internal token;
    StakeVault internal vault;
    address internal operator = address(0xA);
    address internal disputes = address(0xD);
    address internal sink = address(0x5);
    address internal reporter = address(0xE);

    function setUp() public {
        vm.warp(1_800_000_000);
        token = new TestUSD();
        vault = new StakeVault(address(token), MIN, WINDOW, DELAY, disputes, sink);
        address[2] memory holders = [operator, reporter];
        for (uint256 i; i < 2; ++i) {
            token.mint(holders[i], 1_000e6);
            vm.prank(holders[i]);
            token.approve(address(vault), type(uint256).max);
        }
    }

    function _bond(uint32 slots, uint256 amount) internal {
        vm.prank(operator);
        vault.bond(operator, slots, amount);
    }

    function _lock() internal {
        vm.prank(disputes);
        vault.lock(operator);
    }

    /// @dev Shares of a slash for the reporter alone.
    function _shares(address to, uint256 amount) internal view returns (StakeVault.Shares memory shares) {
        shares.reporter = StakeVault.Share(to, amount);
        shares.buyer = StakeVault.Share(operator, 0);
    }

    function _slash(uint256 amount, uint256 toReporter) internal {
        vm.prank(disputes);
        vault.slash(operator, amount, _shares(reporter, toReporter));
    }

    function test_constructor_wantsADelayLongerThanTheDisputeWindow() public {
        vm.expectRevert(StakeVault.ZeroAddress.selector);
        new StakeVault(address(0), MIN, WINDOW, DELAY, disputes, sink);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.DelayNotAboveDisputeWindow.selector, WINDOW, WINDOW));
        new StakeVault(address(token), MIN, WINDOW, WINDOW, disputes, sink);
    }

    function test_bond_countsSlotsThatAreCovered() public {
        vm.expectEmit();
        emit StakeVault.Bonded(operator, operator, 2 * MIN, 2, 2 * MIN, 2);
        _bond(2, 2 * MIN);
        assertEq(vault.activeStake(operator), 2 * MIN, "active");
        assertEq(vault.coveredSlots(operator), 2, "slots");
        assertEq(token.balanceOf(address(vault)), 2 * MIN, "held");
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.StakeBelowMinimum.selector, 2 * MIN, 3 * MIN));
        vault.bond(operator, 1, 0);
        vm.expectRevert(StakeVault.ZeroAmount.selector);
        vault.bond(operator, 0, 0);
        vm.expectRevert(StakeVault.ZeroAddress.selector);
        vault.bond(address(0), 0, 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveStake.selector, uint256(2 ** 128), type(uint128).max));
        vault.bond(operator, 0, 2 ** 128);
        vault.bond(operator, 0, MIN);
        vault.bond(operator, 1, 0);
        assertEq(vault.coveredSlots(operator), 3, "slots after");
    }

    function test_bond_letsOthersAddStakeButNotSlots() public {
        vm.startPrank(reporter);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotOperator.selector, reporter, operator));
        vault.bond(operator, 1, MIN);
        vault.bond(operator, 0, MIN);
        assertEq(vault.activeStake(operator), MIN, "active");
    }

    function test_bond_refusesAShortTransfer() public {
        FeeToken fee = new FeeToken();
        StakeVault withFee = new StakeVault(address(fee), 0, WINDOW, DELAY, disputes, sink);
        fee.mint(address(this), 1_000);
        fee.approve(address(withFee), 1_000);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.TransferMismatch.selector, 1_000, 990));
        withFee.bond(address(this), 0, 1_000);
    }

    function test_unbond_takesTheDelayAndKeepsTheRestCovered() public {
        _bond(3, 3 * MIN);
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.StakeBelowMinimum.selector, 2 * MIN, 3 * MIN));
        vault.requestUnbond(0, MIN);
        vm.expectRevert(StakeVault.ZeroAmount.selector);
        vault.requestUnbond(1, 0);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveStake.selector, 3 * MIN + 1, 3 * MIN));
        vault.requestUnbond(3, 3 * MIN + 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveSlots.selector, 4, 3));
        vault.requestUnbond(4, MIN);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NothingUnbonding.selector, operator));
        vault.finalizeUnbond(operator);

        uint256 availableAt = block.timestamp + DELAY;
        vm.expectEmit();
        emit StakeVault.UnbondRequested(operator, MIN, 1, availableAt);
        vault.requestUnbond(1, MIN);
        assertEq(vault.activeStake(operator), 2 * MIN, "active");
        assertEq(vault.coveredSlots(operator), 2, "slots");
        vm.expectRevert(abi.encodeWithSelector(StakeVault.UnbondPending.selector, availableAt));
        vault.requestUnbond(1, MIN);
        vm.warp(availableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.UnbondTooEarly.selector, availableAt));
        vault.finalizeUnbond(operator);
        vm.warp(availableAt);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.InvalidRecipient.selector, address(0)));
        vault.finalizeUnbond(address(0));
        vm.expectEmit();
        emit StakeVault.Unbonded(operator, reporter, MIN, 2 * MIN);
        vault.finalizeUnbond(reporter);
        assertEq(token.balanceOf(reporter), 1_000e6 + MIN, "paid");
        assertEq(vault.stakeOf(operator).amount, 2 * MIN, "left");
    }

    function test_cancelUnbond_keepsTheStake() public {
        _bond(1, 2 * MIN);
        vm.startPrank(operator);
        vault.requestUnbond(0, MIN);
        vm.expectEmit();
        emit StakeVault.UnbondCancelled(operator, MIN);
        vault.cancelUnbond();
        assertEq(vault.activeStake(operator), 2 * MIN, "active");
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NothingUnbonding.selector, operator));
        vault.cancelUnbond();
    }

    function test_noStakeLeavesUnderAnOpenDispute() public {
        _bond(1, MIN);
        vm.prank(operator);
        vault.requestUnbond(1, MIN);
        _lock();
        _lock();
        vm.warp(block.timestamp + DELAY);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.StakeLocked.selector, operator, 2));
        vault.finalizeUnbond(operator);
        vm.startPrank(disputes);
        vault.unlock(operator);
        vault.unlock(operator);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotLocked.selector, operator));
        vault.unlock(operator);
        vm.stopPrank();
        vm.prank(operator);
        vault.finalizeUnbond(operator);
    }

    function test_slash_reachesUnbondingStakeAndSplits() public {
        _bond(2, 2 * MIN);
        vm.prank(operator);
        vault.requestUnbond(1, MIN);
        _lock();
        vm.expectEmit();
        emit StakeVault.SlashShared(operator, reporter, 7);
        vm.expectEmit();
        emit StakeVault.Slashed(operator, 2 * MIN - 1, 2 * MIN - 8, 1);
        _slash(2 * MIN - 1, 7);
        assertEq(vault.claimable(reporter), 7, "reporter");
        assertEq(vault.claimable(reporter) + vault.claimable(sink), 2 * MIN - 1, "conserved");
        assertEq(vault.stakeOf(operator).unbonding, 1, "unbonding shrank with it");
        assertEq(vault.coveredSlots(operator), 0, "covered");
        vm.prank(reporter);
        vault.withdrawClaimable(reporter);
        vm.prank(reporter);
        vm.expectRevert(StakeVault.ZeroAmount.selector);
        vault.withdrawClaimable(reporter);
        vm.prank(sink);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.InvalidRecipient.selector, address(vault)));
        vault.withdrawClaimable(address(vault));
    }

    function test_slash_neverPaysOnlyItsClaimants() public {
        _bond(1, MIN);
        _lock();
        vm.expectRevert(abi.encodeWithSelector(StakeVault.SharesTooHigh.selector, MIN / 2 + 1, MIN / 2));
        _slash(MIN, MIN / 2 + 1);
        // Buyer and reporter may be the same in disguise: the limit is on both together.
        StakeVault.Shares memory shares = _shares(reporter, MIN / 2);
        shares.buyer = StakeVault.Share(operator, 1);
        vm.prank(disputes);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.SharesTooHigh.selector, MIN / 2 + 1, MIN / 2));
        vault.slash(operator, MIN, shares);
        shares.buyer.amount = 0;
        shares.jurors = new StakeVault.Share[](2);
        shares.jurors[0] = StakeVault.Share(operator, MIN / 10);
        shares.jurors[1] = StakeVault.Share(operator, MIN / 10 + 1);
        vm.prank(disputes);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.SharesTooHigh.selector, MIN / 5 + 1, MIN / 5));
        vault.slash(operator, MIN, shares);
        vm.prank(disputes);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.BadRecipient.selector, sink));
        vault.slash(operator, MIN, _shares(sink, 1));
        vm.prank(disputes);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.BadRecipient.selector, address(0)));
        vault.slash(operator, MIN, _shares(address(0), 1));
        assertEq(vault.stakeOf(operator).amount, MIN, "nothing was taken");
        shares.jurors[1].amount = MIN / 10;
        vm.prank(disputes);
        vault.slash(operator, MIN, shares);
        assertEq(vault.claimable(sink), MIN - MIN / 2 - MIN / 5, "the rest is the sink's");
    }

    function test_slashForSink_paysNobodyElse() public {
        _bond(1, MIN);
        vm.startPrank(disputes);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotLocked.selector, operator));
        vault.slashForSink(operator, 1);
        vault.lock(operator);
        vault.slashForSink(operator, 3);
        assertEq(vault.claimable(sink), 3, "sink");
        assertEq(vault.stakeOf(operator).amount, MIN - 3, "stake");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotDisputes.selector, address(this)));
        vault.slashForSink(operator, 1);
    }

    function test_slash_refusesMoreThanTheStakeAndUnlockedOperators() public {
        _bond(1, MIN);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotLocked.selector, operator));
        _slash(1, 0);
        _lock();
        vm.expectRevert(abi.encodeWithSelector(StakeVault.AboveStake.selector, MIN + 1, MIN));
        _slash(MIN + 1, 0);
        vm.expectRevert(StakeVault.ZeroAmount.selector);
        _slash(0, 0);
    }

    function test_onlyDisputesMayLockAndSlash() public {
        bytes memory refusal = abi.encodeWithSelector(StakeVault.NotDisputes.selector, operator);
        vm.startPrank(operator);
        vm.expectRevert(refusal);
        vault.lock(operator);
        vm.expectRevert(refusal);
        vault.unlock(operator);
        vm.expectRevert(refusal);
        vault.slash(operator, 1, _shares(operator, 0));
    }

    /// @dev After any mixture of actions the vault holds exactly what it owes, and slashed at most what was bonded.
    function testFuzz_vaultOwesWhatItHolds(uint256 seed, uint8 steps) public {
        address[2] memory operators = [operator, reporter];
        for (uint256 i; i < steps % 64; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            address who = operators[(seed >> 8) % 2];
            uint256 amount = (seed >> 16) % (50 * MIN);
            uint256 action = seed % 8;
            vm.prank(action < 4 ? who : disputes);
            if (action == 0) {
                try vault.bond(who, uint32((seed >> 80) % 4), amount) {} catch {}
            } else if (action == 1) {
                try vault.requestUnbond(uint32((seed >> 80) % 4), amount) {} catch {}
            } else if (action == 2) {
                try vault.finalizeUnbond(who) {} catch {}
            } else if (action == 3) {
                try vault.withdrawClaimable(who) {} catch {}
            } else if (action == 4) {
                try vault.lock(who) {} catch {}
            } else if (action == 5) {
                try vault.unlock(who) {} catch {}
            } else {
                uint256 share = amount * ((seed >> 80) % 6_000) / 10_000;
                try vault.slash(who, amount, _shares(operators[(seed >> 9) % 2], share)) {} catch {}
            }
            vm.warp(block.timestamp + (seed >> 100) % (2 * DELAY));
        }
        uint256 owed = vault.claimable(sink);
        for (uint256 i; i < 2; ++i) {
            StakeVault.Stake memory stake = vault.stakeOf(operators[i]);
            assertLe(stake.unbonding, stake.amount, "unbonding within the stake");
            owed += stake.amount + vault.claimable(operators[i]);
        }
        assertEq(token.balanceOf(address(vault)), owed, "held and owed");
        assertLe(vault.totalSlashed(), vault.totalBonded(), "slashed within what was bonded");
    }

    function test_withoutDisputesNobodyCanSlash() public {
        StakeVault free = new StakeVault(address(token), MIN, WINDOW, DELAY, address(0), address(0));
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotDisputes.selector, address(this)));
        free.lock(operator);
    }
}
