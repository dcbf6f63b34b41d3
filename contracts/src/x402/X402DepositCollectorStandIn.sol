// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IDepositCollector} from "./X402BatchSettlementStandIn.sol";

/// @notice The part of EIP-3009 that takes a signature of any form.
interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}

/// @title X402DepositCollectorStandIn
/// @notice STAND-IN, for local chains only: brings deposits of x402's `batch-settlement` in by EIP-3009. See
/// `X402BatchSettlementStandIn`.
contract X402DepositCollectorStandIn is IDepositCollector {
    /// @notice Where the stand-in for x402's contract is put: its canonical address.
    address public constant SETTLEMENT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    error NotSettlement(address caller);

    /// @notice Takes `amount` from the payer by its signature and hands it to the settlement contract, which is the only
    /// caller: to anybody else a signature that was seen on its way would be worth its tokens.
    /// @dev The nonce binds the channel, so that a signed deposit cannot be put into another one.
    function collect(address token, address payer, bytes32 channelId, uint256 amount, bytes calldata data) external {
        if (msg.sender != SETTLEMENT) revert NotSettlement(msg.sender);
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(data, (uint256, uint256, uint256, bytes));
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        IReceiveWithAuthorization(token)
            .receiveWithAuthorization(payer, address(this), amount, validAfter, validBefore, nonce, signature);
        SafeTransferLib.safeTransfer(token, msg.sender, amount);
    }
}
