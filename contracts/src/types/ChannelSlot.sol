// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice All that is stored of a channel, in one word:
///
/// ```
///  bit 240    232         192            96             0
///   |  unused | status (8) | withdrawAt (40) | settled (96) | deposit (96) |
/// ```
///
/// Compilers read and write a struct's members one by one, masking each; a channel is read once and written once.
type ChannelSlot is uint256;

using {
    ChannelSlotLib.deposit,
    ChannelSlotLib.settled,
    ChannelSlotLib.withdrawAt,
    ChannelSlotLib.status,
    ChannelSlotLib.withSettled
} for ChannelSlot global;

library ChannelSlotLib {
    uint256 internal constant NONE = 0;
    uint256 internal constant OPEN = 1;
    uint256 internal constant CLOSED = 2;

    uint256 private constant SETTLED_SHIFT = 96;
    uint256 private constant WITHDRAW_AT_SHIFT = 192;
    uint256 private constant STATUS_SHIFT = 232;

    /// @dev Warning: the caller keeps each value within its width.
    function pack(uint256 deposit_, uint256 settled_, uint256 withdrawAt_, uint256 status_)
        internal
        pure
        returns (ChannelSlot)
    {
        return ChannelSlot.wrap(
            deposit_ | settled_ << SETTLED_SHIFT | withdrawAt_ << WITHDRAW_AT_SHIFT | status_ << STATUS_SHIFT
        );
    }

    function deposit(ChannelSlot self) internal pure returns (uint256) {
        return uint96(ChannelSlot.unwrap(self));
    }

    function settled(ChannelSlot self) internal pure returns (uint256) {
        return uint96(ChannelSlot.unwrap(self) >> SETTLED_SHIFT);
    }

    function withdrawAt(ChannelSlot self) internal pure returns (uint256) {
        return uint40(ChannelSlot.unwrap(self) >> WITHDRAW_AT_SHIFT);
    }

    function status(ChannelSlot self) internal pure returns (uint256) {
        return uint8(ChannelSlot.unwrap(self) >> STATUS_SHIFT);
    }

    /// @dev The same channel with another settled total.
    /// Warning: the caller keeps it below 2^96.
    function withSettled(ChannelSlot self, uint256 settled_) internal pure returns (ChannelSlot) {
        uint256 mask = uint256(type(uint96).max) << SETTLED_SHIFT;
        return ChannelSlot.wrap(ChannelSlot.unwrap(self) & ~mask | settled_ << SETTLED_SHIFT);
    }
}
