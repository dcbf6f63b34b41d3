// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "solady/src/tokens/ERC20.sol";

/// @title TestUSD
/// @notice A stand-in for a stable coin on local and test networks: six decimals, EIP-2612 permit, and a faucet that is
/// open to everybody.
/// @dev Warning: it has no value and must never be the token of a network that moves real money.
contract TestUSD is ERC20 {
    /// @notice The most that one call of `mint` creates: one million dollars, in units of six decimals.
    uint256 public constant MINT_CAP = 1_000_000e6;

    /// @notice One call asked the faucet for more than `MINT_CAP`.
    error MintAboveCap(uint256 amount, uint256 cap);

    /// @notice The faucet: creates `amount` units for `to`. Anyone may call it, as often as they like.
    function mint(address to, uint256 amount) external {
        if (amount > MINT_CAP) revert MintAboveCap(amount, MINT_CAP);
        _mint(to, amount);
    }

    /// @inheritdoc ERC20
    function name() public pure override returns (string memory) {
        return "Depinfer Test USD (no value)";
    }

    /// @inheritdoc ERC20
    function symbol() public pure override returns (string memory) {
        return "tUSD";
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @dev No hidden allowance: what may be spent is what the holder approved.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
