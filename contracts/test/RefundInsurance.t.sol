// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ChannelConfig} from "../src/Channels.sol";
import {Disputes} from "../src/disputes/Disputes.sol";
import {Passes} from "../src/passes/Passes.sol";
import {Receipt} from "../src/ReceiptLog.sol";
import {RefundInsurance} from "../src/RefundInsurance.sol";
import "../src/types/Dispute.sol";
import {PassesFixture} from "./support/PassesFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Convicted answers that cost more than their provider had at stake.
contract RefundInsuranceTest is PassesFixture {
    uint256 internal constant FUND = 1_000 * DOLLAR;

    function setUp() public override {
        super.setUp();
        token.mint(address(insurance), FUND);
    }

    /// @dev A dispute about an answer of this cost, opened and judged.
    function _judged(Receipt memory receipt, ChannelConfig memory config, uint8 verdict) internal returns (bytes32 id) {
        receipt.channelId = channels.channelId(config);
        bytes memory signature = _sign(receipt);
        vm.prank(challenger);
        id = disputes.open(receipt, signature, config);
        vm.roll(block.number + 2);
        address[] memory jurors = disputes.drawJury(id);
        _vote(id, jurors, _verdicts(verdict, verdict, verdict));
        _toEnd(id);
    }

    function _convict(uint256 number, uint256 cost) internal returns (bytes32) {
        Receipt memory receipt = _receipt(number);
        receipt.cost = uint128(cost);
        return _judged(receipt, _config(), OUTCOME_FAIL);
    }

    function test_constructor_wantsDisputes() public {
        vm.expectRevert(RefundInsurance.ZeroAddress.selector);
        new RefundInsurance(Disputes(address(0)));
        assertEq(address(insurance.TOKEN()), address(token), "token");
    }

    function test_settlementOf_saysWhoGotTheStake() public {
        bytes32 id = _convict(1, 50 * DOLLAR);
        Settlement memory settlement = disputes.settlementOf(id);
        // Half of $20 for the buyer, nothing for the challenger, a tenth for three jurors.
        assertEq(settlement.refunded, 10 * DOLLAR, "refunded");
        assertEq(settlement.unshared, 10 * DOLLAR - 3 * (2 * DOLLAR / 3), "unshared");
        assertEq(settlement.channelId, channels.channelId(_config()), "channel");
    }

    function test_claim_paysWhatTheStakeDidNotCoverWithinItsBudget() public {
        bytes32 id = _convict(1, 15 * DOLLAR);
        uint256 unshared = disputes.settlementOf(id).unshared;
        vm.expectEmit();
        emit RefundInsurance.Insured(id, buyer, 5 * DOLLAR);
        vm.prank(stranger);
        assertEq(insurance.claim(id), 5 * DOLLAR, "the whole rest");
        assertEq(insurance.claimable(buyer), 5 * DOLLAR, "the buyer's");
        assertEq(insurance.fund(), FUND - 5 * DOLLAR, "fund");
        assertEq(insurance.budgetOf(provider), unshared - 5 * DOLLAR, "budget");
        vm.expectRevert(
            abi.encodeWithSelector(
                RefundInsurance.NothingToPay.selector, id, 0, unshared - 5 * DOLLAR, FUND - 5 * DOLLAR
            )
        );
        insurance.claim(id);
        vm.prank(buyer);
        insurance.withdraw(stranger);
        assertEq(token.balanceOf(address(insurance)), FUND - 5 * DOLLAR, "paid");
    }

    /// @dev Whoever sells to itself at any price and has itself convicted gets no more than it lost.
    function test_claim_isNoProfitForThoseWhoConvictThemselves() public {
        bytes32 id = _convict(1, 1_000_000 * DOLLAR);
        uint256 paid = insurance.claim(id);
        uint256 all = vault.claimable(buyer) + vault.claimable(challenger) + paid;
        for (uint256 i; i < VALIDATORS; ++i) {
            all += vault.claimable(validator(i));
        }
        assertLe(all, STAKE, "of all together");
        vm.expectRevert();
        insurance.claim(id);
    }

    function test_claim_leavesTheRestOfTheFundToOthersAndCanBeRepeated() public {
        bytes32 id = _convict(1, 1_000 * DOLLAR);
        uint256 budget = disputes.settlementOf(id).unshared;
        // The fund is nearly empty when somebody claims: the buyer is not done with that.
        vm.prank(address(insurance));
        token.transfer(address(0xDEAD), FUND - 10 * DOLLAR);
        assertEq(insurance.claim(id), DOLLAR, "a tenth of ten");
        vm.expectRevert();
        insurance.claim(id);
        token.mint(address(insurance), 40 * DOLLAR);
        assertEq(insurance.claim(id), 4 * DOLLAR, "a tenth of fifty in all");
        token.mint(address(insurance), FUND);
        assertEq(insurance.claim(id), budget - 5 * DOLLAR, "the rest of the budget");
        assertEq(insurance.paidOn(id), budget, "in all");
    }

    function test_claim_isForConvictionsAlone() public {
        bytes32 id = _judged(_receipt(1), _config(), OUTCOME_PASS);
        bytes memory refusal = abi.encodeWithSelector(RefundInsurance.NotConvicted.selector, id, 4, OUTCOME_PASS);
        vm.expectRevert(refusal);
        insurance.claim(id);
        vm.expectRevert(refusal);
        insurance.record(id);
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.NotConvicted.selector, bytes32("none"), 0, 0));
        insurance.claim("none");
        // A conviction that is not carried out yet may still be appealed.
        id = _open();
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.NotConvicted.selector, id, PHASE_DRAWING, 0));
        insurance.claim(id);
    }

    function test_claim_ofACoveredAnswerIsNothing() public {
        bytes32 id = _convict(1, DOLLAR);
        uint256 unshared = disputes.settlementOf(id).unshared;
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.NothingToPay.selector, id, 0, unshared, FUND));
        insurance.claim(id);
        insurance.record(id);
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.AlreadyRecorded.selector, id));
        insurance.record(id);
        assertEq(insurance.budgetOf(provider), unshared, "left for its other buyers");
    }

    function test_claim_ofASecondVictimIsPaidFromTheFirstConviction() public {
        Receipt memory late = _receipt(2);
        late.cost = uint128(3 * DOLLAR);
        bytes memory signature = _sign(late);
        ChannelConfig memory config = _config();
        vm.prank(challenger);
        bytes32 victim = disputes.open(late, signature, config);
        bytes32 first = _convict(1, DOLLAR);
        vm.roll(disputes.disputeOf(victim).targetBlock + 1);
        _vote(victim, disputes.drawJury(victim), _verdicts(OUTCOME_FAIL, OUTCOME_FAIL, OUTCOME_FAIL));
        _toEnd(victim);
        assertEq(disputes.settlementOf(victim).refunded, 0, "nothing was left of the stake");
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.NothingToPay.selector, victim, 3 * DOLLAR, 0, FUND));
        insurance.claim(victim);
        insurance.record(first);
        assertEq(insurance.claim(victim), 3 * DOLLAR, "made whole");
    }

    function test_withdraw_isOnesOwn() public {
        vm.expectRevert(RefundInsurance.ZeroAmount.selector);
        insurance.withdraw(stranger);
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.InvalidRecipient.selector, address(0)));
        insurance.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(RefundInsurance.InvalidRecipient.selector, address(insurance)));
        insurance.withdraw(address(insurance));
    }

    /* ANSWERS THAT A PASS PAID */

    function test_passOnRefund_reachesTheHolder() public {
        uint256 passId = _buy();
        _use(passId, provider, 2 * DOLLAR, 0);
        Receipt memory receipt = _receipt(1);
        receipt.cost = uint128(15 * DOLLAR);
        ChannelConfig memory config = _channelWith(passId, provider);
        bytes32 id = _judged(receipt, config, OUTCOME_FAIL);
        assertEq(vault.claimable(address(passes)), 10 * DOLLAR, "credited to the payer, the contract");
        passes.passOnRefund(id);
        assertEq(passes.owed(holder), 10 * DOLLAR, "of the stake");
        vm.expectRevert(abi.encodeWithSelector(Passes.NothingToPassOn.selector, id));
        passes.passOnRefund(id);
        insurance.claim(id);
        vm.expectEmit();
        emit Passes.RefundPassedOn(id, passId, holder, 5 * DOLLAR);
        passes.passOnRefund(id);
        vm.prank(holder);
        assertEq(passes.withdraw(holder), 15 * DOLLAR, "all that it cost");
        assertEq(passes.unassigned(), 0, "nothing is left over");
    }

    function test_passOnRefund_ofNoPassGoesToTheInsurance() public {
        ChannelConfig memory config = _config();
        config.payer = address(passes);
        bytes32 id = _judged(_receipt(1), config, OUTCOME_FAIL);
        passes.passOnRefund(id);
        assertEq(passes.owed(address(insurance)), DOLLAR, "nobody's");
        bytes32 other = _convictAnother();
        vm.expectRevert(abi.encodeWithSelector(Passes.NothingToPassOn.selector, other));
        passes.passOnRefund(other);
    }

    function _convictAnother() internal returns (bytes32) {
        token.mint(provider, STAKE);
        vm.startPrank(provider);
        token.approve(address(vault), type(uint256).max);
        vault.bond(provider, 0, STAKE);
        vm.stopPrank();
        return _convict(7, DOLLAR);
    }
}
