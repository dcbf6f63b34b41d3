// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice How beacons draw validators, here and in `packages/proof/src/draw.ts`: the lowest ranks are drawn.
library MemberRank {
    /// @param subject What is drawn for: a receipt's digest, or a dispute's id.
    /// @dev A member's rank depends on nobody else, so that nobody gains by the moment at which it joins.
    function rankOf(bytes32 beacon, bytes32 subject, address member) internal pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(beacon, subject, member)));
    }
}
