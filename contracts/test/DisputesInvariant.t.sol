// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Receipt} from "../src/ReceiptLog.sol";
import "../src/types/Dispute.sol";
import {DisputesFixture} from "./support/DisputesFixture.sol";
import {DisputesHandler} from "./support/DisputesHandler.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

/// @notice What holds after any sequence of calls.
contract DisputesInvariantTest is Test {
    DisputesHandler internal handler;

    function setUp() public {
        handler = new DisputesHandler();
    }

    /// @dev Asked by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 100
    /// forge-config: default.invariant.depth = 60
    function invariant_bondsAreOwedToTheUnit() external view {
        uint256 owed = handler.owedBonds();
        bytes32[] memory ids = handler.disputeIds();
        for (uint256 i; i < ids.length; ++i) {
            Dispute memory dispute = handler.disputeOf(ids[i]);
            if (dispute.phase == PHASE_CLOSED) continue;
            owed += uint256(5e6) + (dispute.round == 2 ? uint256(15e6) : 0);
        }
        assertEq(handler.held(), owed, "held and owed");
        assertEq(handler.held() + handler.withdrawn(), handler.pulled(), "taken and given");
        assertEq(handler.heldByVault(), handler.owedByVault(), "the vault");
        (uint256 slashed, uint256 bonded) = handler.slashed();
        assertLe(slashed, bonded, "slashed within what was bonded");
        for (uint256 i; i < 13; ++i) {
            (uint256 expected, uint256 actual) = handler.locks(handler.account(i));
            assertEq(actual, expected, "one lock for each open dispute");
        }
    }

    /// forge-config: default.invariant.runs = 60
    /// forge-config: default.invariant.depth = 40
    function invariant_everyDisputeReachesItsEnd() external {
        handler.endAll();
        assertEq(handler.held(), handler.owedBonds(), "all bonds belong to somebody");
        for (uint256 i; i < 13; ++i) {
            (, uint256 actual) = handler.locks(handler.account(i));
            assertEq(actual, 0, "all stake is free again");
        }
    }
}

/// @notice Whatever the votes, costs and appeals: nobody is paid more than was taken, and reporters never alone.
contract DisputesFuzzTest is DisputesFixture {
    /// forge-config: default.fuzz.runs = 10000
    function testFuzz_slashIsShared(uint256 votes, uint128 cost, bool buyerReports, bool appealed) public {
        Receipt memory receipt = _receipt(1);
        receipt.cost = cost;
        address reporter = buyerReports ? buyer : challenger;
        bytes32 id = _openAs(reporter, receipt);
        uint8 outcome = _voteRandomly(id, votes);
        if (appealed) {
            vm.prank(stranger);
            disputes.appeal(id);
            outcome = _voteRandomly(id, votes >> 32);
        }
        uint256 sinkBefore = vault.claimable(sink);
        uint256 slashedBefore = vault.totalSlashed();
        _toEnd(id);
        bool convicted = outcome == OUTCOME_FAIL;
        assertEq(vault.stakeOf(provider).amount, convicted ? 0 : STAKE, "the accused");
        assertEq(vault.stakeOf(provider).locks, 0, "unlocked");
        uint256 toReporter = vault.claimable(reporter);
        assertLe(vault.claimable(buyer) + vault.claimable(challenger), STAKE / 2, "claimants at most half");
        if (convicted) assertLe(toReporter * 2, STAKE, "a reporter is never the only one");
        if (!convicted) assertEq(toReporter, 0, "no reward without a conviction");
        if (convicted) assertTrue(vault.claimable(sink) > sinkBefore, "the sink has a share");
        assertLe(vault.totalSlashed() - slashedBefore, STAKE + 10 * 5 * DOLLAR, "slashed");
        assertEq(_owedBonds(), token.balanceOf(address(disputes)), "bonds are conserved");
        uint256 owed = vault.claimable(sink) + vault.claimable(buyer) + vault.claimable(challenger);
        for (uint256 i; i < VALIDATORS; ++i) {
            owed += vault.claimable(validator(i)) + vault.stakeOf(validator(i)).amount;
            assertEq(vault.stakeOf(validator(i)).locks, 0, "jurors are unlocked");
        }
        owed += vault.stakeOf(provider).amount;
        assertEq(token.balanceOf(address(vault)), owed, "the vault owes what it holds");
    }

    function _voteRandomly(bytes32 id, uint256 votes) internal returns (uint8) {
        address[] memory jurors = _draw(id);
        uint8[] memory verdicts = new uint8[](jurors.length);
        for (uint256 i; i < jurors.length; ++i) {
            // Towards the same verdict, or convictions by seven would be rare.
            uint256 draw = (votes >> (4 * i)) % 8;
            verdicts[i] = uint8(draw < 4 ? draw : draw < 6 ? OUTCOME_FAIL : OUTCOME_PASS);
        }
        return _vote(id, jurors, verdicts);
    }
}
