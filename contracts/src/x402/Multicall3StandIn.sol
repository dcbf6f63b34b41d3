// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Multicall3StandIn
/// @notice STAND-IN, for local chains only: the one function of Multicall3 that x402's classes read through. Public chains
/// have Multicall3 itself at this address.
contract Multicall3StandIn {
    struct Call {
        address target;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    error CallFailed(uint256 index);

    /// @notice Calls each target in turn.
    /// @param requireSuccess Whether one failure fails all.
    function tryAggregate(bool requireSuccess, Call[] calldata calls)
        external
        payable
        returns (Result[] memory results)
    {
        results = new Result[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory data) = calls[i].target.call(calls[i].callData);
            if (requireSuccess && !ok) revert CallFailed(i);
            results[i] = Result(ok, data);
        }
    }
}
