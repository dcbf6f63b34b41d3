// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";

/// @notice The token delivered another amount than was asked of it.
error TransferMismatch(uint256 expected, uint256 received);

/// @notice What a stable coin offers to holders without gas: transfers by signature (EIP-3009) in both of their forms,
/// and approval by signature (EIP-2612).
interface ISignedToken {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;
}

/// @notice An EIP-3009 authorization, but for its nonce, which says what the money is for.
/// @param validAfter Unix second before which and at which it is refused.
/// @param validBefore Unix second from which it is refused.
/// @param salt Tells authorizations for the same thing apart.
struct Authorization {
    uint256 validAfter;
    uint256 validBefore;
    bytes32 salt;
    bytes signature;
}

/// @title TokenIn
/// @notice Takes tokens into the calling contract, and exactly as many as were asked for: a token that keeps a fee, or
/// that says yes and does nothing, is refused.
/// @dev Callers write their state first. A token that called back would meet finished books, and a short transfer
/// undoes them.
library TokenIn {
    using SafeTransferLib for address;

    /// @dev Takes `amount` of what the caller approved.
    function take(address token, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        _requireReceived(token, before, amount);
    }

    /// @dev Takes `amount` of `from` by its signature, whoever relays it. `receiveWithAuthorization` works for its
    /// recipient alone, so nobody can use the signature up without what it is for being done.
    function takeSigned(address token, address from, uint256 amount, bytes32 nonce, Authorization calldata by)
        internal
    {
        uint256 before = token.balanceOf(address(this));
        bytes calldata signature = by.signature;
        if (signature.length == 65) {
            // The form that every such token has.
            ISignedToken(token)
                .receiveWithAuthorization(
                    from,
                    address(this),
                    amount,
                    by.validAfter,
                    by.validBefore,
                    nonce,
                    uint8(signature[64]),
                    bytes32(signature[0:32]),
                    bytes32(signature[32:64])
                );
        } else {
            ISignedToken(token)
                .receiveWithAuthorization(from, address(this), amount, by.validAfter, by.validBefore, nonce, signature);
        }
        _requireReceived(token, before, amount);
    }

    function _requireReceived(address token, uint256 before, uint256 amount) private view {
        // A balance that shrank wraps around and is no match either.
        unchecked {
            uint256 received = token.balanceOf(address(this)) - before;
            if (received != amount) revert TransferMismatch(amount, received);
        }
    }
}
