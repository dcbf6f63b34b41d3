// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PassLedger} from "../src/passes/PassLedger.sol";
import {Surplus} from "../src/types/Pass.sol";
import {PassesFixture} from "./support/PassesFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice What passes leave over: who may share it, when, and what becomes of the rest.
contract PassesSurplusTest is PassesFixture {
    uint256 internal period;
    uint256 internal over;

    /// @dev A pass of which $4 were spent ends: $15 are the surplus of a period that is over at `over`.
    function setUp() public override {
        super.setUp();
        uint256 id = _buy();
        _use(id, provider, 10 * DOLLAR, 4 * DOLLAR);
        vm.warp(block.timestamp + PERIOD);
        passes.expire(id);
        _wind(id);
        period = passes.periodOf(tier);
        over = (period + 1) * PERIOD;
    }

    function leaf(address to, uint256 amount) internal view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(tier, period, to, amount))));
    }

    /// @dev A tree of two leaves, and the proof of each.
    function rootOf(uint256 first, uint256 other)
        internal
        view
        returns (bytes32 root, bytes32[] memory a, bytes32[] memory b)
    {
        (bytes32 x, bytes32 y) = (leaf(provider, first), leaf(second, other));
        root = x < y ? keccak256(abi.encode(x, y)) : keccak256(abi.encode(y, x));
        (a, b) = (new bytes32[](1), new bytes32[](1));
        (a[0], b[0]) = (y, x);
    }

    function post(bytes32 root) internal {
        vm.prank(issuer);
        passes.postRoot(tier, period, root);
    }

    function test_postRoot_isTheIssuersOnceAndInTime() public {
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.RootNotDue.selector, tier, period, over, over + 7 days));
        passes.postRoot(tier, period, "root");
        vm.warp(over);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.NotIssuer.selector, tier, stranger));
        passes.postRoot(tier, period, "root");
        vm.prank(issuer);
        vm.expectRevert(PassLedger.ZeroRoot.selector);
        passes.postRoot(tier, period, 0);
        post("root");
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.RootAlreadyPosted.selector, tier, period));
        passes.postRoot(tier, period, "other");
        uint256 earlier = period - 9;
        vm.prank(issuer);
        vm.expectRevert(
            abi.encodeWithSelector(
                PassLedger.RootNotDue.selector, tier, earlier, (earlier + 1) * PERIOD, (earlier + 1) * PERIOD + 7 days
            )
        );
        passes.postRoot(tier, earlier, "late");
    }

    function test_claimShare_paysEachOnceAfterTheObjections() public {
        (bytes32 root, bytes32[] memory a, bytes32[] memory b) = rootOf(9 * DOLLAR, 6 * DOLLAR);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.NoRoot.selector, tier, period));
        passes.claimShare(tier, period, 9 * DOLLAR, a);
        vm.stopPrank();
        vm.warp(over);
        post(root);
        vm.startPrank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(PassLedger.SharesNotDue.selector, tier, period, over + 3 days, over + 33 days)
        );
        passes.claimShare(tier, period, 9 * DOLLAR, a);
        vm.warp(over + 3 days);
        vm.expectRevert(
            abi.encodeWithSelector(PassLedger.BadShareProof.selector, tier, period, provider, 9 * DOLLAR + 1)
        );
        passes.claimShare(tier, period, 9 * DOLLAR + 1, a);
        passes.claimShare(tier, period, 9 * DOLLAR, a);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.ShareAlreadyPaid.selector, tier, period, provider));
        passes.claimShare(tier, period, 9 * DOLLAR, a);
        // Another's proof is nobody else's.
        vm.expectRevert(abi.encodeWithSelector(PassLedger.BadShareProof.selector, tier, period, provider, 6 * DOLLAR));
        passes.claimShare(tier, period, 6 * DOLLAR, b);
        vm.stopPrank();
        vm.prank(second);
        passes.claimShare(tier, period, 6 * DOLLAR, b);
        assertEq(passes.owed(provider), 9 * DOLLAR, "first");
        assertEq(passes.owed(second), 6 * DOLLAR, "second");
        assertEq(passes.surplusOf(tier, period).remaining, 0, "nothing is left");
    }

    function test_claimShare_neverPaysMoreThanThereIs() public {
        (bytes32 root, bytes32[] memory a, bytes32[] memory b) = rootOf(9 * DOLLAR, 7 * DOLLAR);
        vm.warp(over);
        post(root);
        vm.warp(over + 3 days);
        vm.prank(provider);
        passes.claimShare(tier, period, 9 * DOLLAR, a);
        vm.prank(second);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.AboveSurplus.selector, 7 * DOLLAR, 6 * DOLLAR));
        passes.claimShare(tier, period, 7 * DOLLAR, b);
        // Of nothing there is a share of nothing.
        vm.warp(over + 33 days);
        vm.prank(second);
        vm.expectRevert(
            abi.encodeWithSelector(PassLedger.SharesNotDue.selector, tier, period, over + 3 days, over + 33 days)
        );
        passes.claimShare(tier, period, 7 * DOLLAR, b);
        passes.sweep(tier, period);
        assertEq(passes.owed(address(insurance)), 6 * DOLLAR, "what was not claimed");
    }

    function test_object_leavesAFalseRootWithoutProfit() public {
        vm.warp(over);
        post(leaf(issuer, 15 * DOLLAR));
        uint256 before = token.balanceOf(stranger);
        vm.warp(over + 3 days - 1);
        vm.prank(stranger);
        passes.object(tier, period);
        assertEq(before - token.balanceOf(stranger), 25 * DOLLAR, "the bond");
        assertEq(passes.owed(address(insurance)), 40 * DOLLAR, "surplus and bond");
        vm.warp(over + 3 days);
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.SurplusClosed.selector, tier, period));
        passes.claimShare(tier, period, 15 * DOLLAR, new bytes32[](0));
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.SurplusClosed.selector, tier, period));
        passes.postRoot(tier, period, "again");
        vm.expectRevert(abi.encodeWithSelector(PassLedger.SurplusClosed.selector, tier, period));
        passes.sweep(tier, period);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.SurplusClosed.selector, tier, period));
        passes.object(tier, period);
        assertEq(passes.forward(address(insurance)), 40 * DOLLAR, "paid");
        assertEq(insurance.fund(), 40 * DOLLAR, "insured");
    }

    function test_object_isOverAfterTheWindow() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.NoRoot.selector, tier, period));
        passes.object(tier, period);
        vm.warp(over);
        post("root");
        vm.warp(over + 3 days);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.ObjectionOver.selector, tier, period, over + 3 days));
        passes.object(tier, period);
    }

    function test_sweep_waitsForTheRoot() public {
        vm.expectRevert(abi.encodeWithSelector(PassLedger.SweepTooEarly.selector, tier, period, over + 7 days));
        passes.sweep(tier, period);
        vm.warp(over + 7 days);
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(PassLedger.RootNotDue.selector, tier, period, over, over + 7 days));
        passes.postRoot(tier, period, "late");
        vm.expectEmit();
        emit PassLedger.SurplusSwept(tier, period, 15 * DOLLAR);
        passes.sweep(tier, period);
        Surplus memory surplus = passes.surplusOf(tier, period);
        assertTrue(surplus.closed, "closed");
        assertEq(surplus.remaining, 0, "empty");
    }
}
