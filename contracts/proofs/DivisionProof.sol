// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice The division of a pass (`PassLedger._divide`): whenever it does not revert, it divides every unit, for all
/// amounts and times.
contract DivisionProof {
    function everyUnitIsDivided(uint128 net, uint128 fee, uint128 balance, uint40 left, uint40 term) external pure {
        uint256 kept = uint256(net) * left / term;
        if (kept > balance) kept = balance;
        uint256 feeBack = uint256(fee) * kept / net;
        uint256 refund = kept + feeBack;
        uint256 feeKept = fee - feeBack;
        uint256 surplus = balance - kept;
        assert(refund + feeKept + surplus == uint256(balance) + fee);
    }
}
