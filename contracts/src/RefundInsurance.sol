// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Disputes} from "./disputes/Disputes.sol";
import "./types/Dispute.sol";

/// @title RefundInsurance
/// @notice A fund for buyers of answers that were judged false and whose cost the stake of the provider did not cover.
/// Fees, surpluses without owner and donations flow in by plain transfers; nobody owns it.
///
/// A buyer who sells to itself pays nothing for an answer of any cost, so insuring costs would be a gift to whoever
/// convicts itself. Therefore:
///
/// ```
///   budget(provider) = what its convictions took from it and gave to no party or juror, over all its disputes
///   paid for one dispute <= cost - refunded by the stake
///                        <= budget(provider) - paid for its other disputes
///                        <= MAX_PAYOUT_BPS of what the fund would hold without this payment
/// ```
///
/// By the second line all that challengers, buyers, jurors and the fund's payments bring together never exceeds what
/// the provider lost: convicting oneself can bring no profit, whoever plays which part.
contract RefundInsurance {
    using SafeERC20 for IERC20;

    /// @notice Largest part of the fund that one dispute can take: ten percent.
    uint256 public constant MAX_PAYOUT_BPS = 1_000;
    uint256 internal constant BPS = 10_000;

    IERC20 public immutable TOKEN;
    Disputes public immutable DISPUTES;

    /* STORAGE */

    mapping(address account => uint256) internal claimableOf;
    /// @notice What is promised to buyers and no longer part of the fund.
    uint256 public totalClaimable;
    /// @notice What convictions of a provider took for nobody and was not paid out again.
    mapping(address provider => uint256) public budgetOf;
    mapping(bytes32 disputeId => bool) public recorded;
    /// @notice What a dispute's buyer was paid.
    mapping(bytes32 disputeId => uint256) public paidOn;

    event Recorded(bytes32 indexed disputeId, address indexed provider, uint256 budget);
    event Insured(bytes32 indexed disputeId, address indexed buyer, uint256 amount);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    error ZeroAddress();
    error ZeroAmount();
    error InvalidRecipient(address to);
    error NotConvicted(bytes32 disputeId, uint8 phase, uint8 outcome);
    error AlreadyRecorded(bytes32 disputeId);
    /// @notice Nothing is uncovered, or the provider's budget or the fund is used up; later it may be otherwise.
    error NothingToPay(bytes32 disputeId, uint256 uncovered, uint256 budget, uint256 fund);

    constructor(Disputes disputes) {
        if (address(disputes) == address(0)) revert ZeroAddress();
        DISPUTES = disputes;
        TOKEN = disputes.TOKEN();
    }

    /// @notice Adds what a conviction took to the budget of its provider. Anyone may, once; `claim` does it too.
    function record(bytes32 disputeId) external {
        if (recorded[disputeId]) revert AlreadyRecorded(disputeId);
        _record(disputeId, _convicted(disputeId));
    }

    /// @notice Credits the buyer of a convicted answer with what the stake did not cover, as far as budget and fund allow
    /// now. Anyone may call it, and again once there is more: a call at a bad moment takes nothing from the buyer.
    function claim(bytes32 disputeId) external returns (uint256 amount) {
        Dispute memory dispute = _convicted(disputeId);
        if (!recorded[disputeId]) _record(disputeId, dispute);
        uint256 paid = paidOn[disputeId];
        uint256 budget = budgetOf[dispute.accused];
        uint256 uncovered = dispute.cost - DISPUTES.settlementOf(disputeId).refunded - paid;
        uint256 most = (fund() + paid) * MAX_PAYOUT_BPS / BPS;
        amount = _min(_min(uncovered, budget), most > paid ? most - paid : 0);
        if (amount == 0 || dispute.buyer == address(0)) revert NothingToPay(disputeId, uncovered, budget, fund());
        budgetOf[dispute.accused] = budget - amount;
        paidOn[disputeId] = paid + amount;
        claimableOf[dispute.buyer] += amount;
        totalClaimable += amount;
        emit Insured(disputeId, dispute.buyer, amount);
    }

    /// @notice Sends what was credited to the caller to `to`.
    function withdraw(address to) external returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        amount = claimableOf[msg.sender];
        if (amount == 0) revert ZeroAmount();
        claimableOf[msg.sender] = 0;
        totalClaimable -= amount;
        emit Withdrawn(msg.sender, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /// @notice What nobody has a claim to yet.
    function fund() public view returns (uint256) {
        return TOKEN.balanceOf(address(this)) - totalClaimable;
    }

    function claimable(address account) external view returns (uint256) {
        return claimableOf[account];
    }

    /// @dev A salt is no conviction: its provider lost nothing.
    function _convicted(bytes32 disputeId) internal view returns (Dispute memory dispute) {
        dispute = DISPUTES.disputeOf(disputeId);
        if (dispute.phase != PHASE_CLOSED || dispute.outcome != OUTCOME_FAIL || dispute.salt) {
            revert NotConvicted(disputeId, dispute.phase, dispute.outcome);
        }
    }

    function _record(bytes32 disputeId, Dispute memory dispute) internal {
        recorded[disputeId] = true;
        uint256 budget = budgetOf[dispute.accused] + DISPUTES.settlementOf(disputeId).unshared;
        budgetOf[dispute.accused] = budget;
        emit Recorded(disputeId, dispute.accused, budget);
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
