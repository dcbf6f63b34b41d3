// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title FeeSplitter
/// @notice Shares what it receives, in any token, among accounts that are fixed for ever. Fees are sent here by plain
/// transfers; whoever likes calls `release`, which pays a payee what it is owed, and can pay nobody else.
///
/// ```
///   received = balance + released to all
///   owed to a payee = floor(received * its basis points / 10000) - released to it
/// ```
///
/// So nothing depends on when or in which order shares are taken, and one payee that cannot be paid holds up no other.
/// At most one unit per payee, what rounding leaves over, waits here for the next fee.
/// @dev Warning: a token that rebases downwards, or is taken away by its issuer, can leave the last payee short of it.
contract FeeSplitter {
    using SafeERC20 for IERC20;

    uint256 public constant BPS = 10_000;

    /* STORAGE: written by the constructor alone, but for what was released */

    address[] internal payeeList;
    /// @notice Basis points of a payee.
    mapping(address payee => uint256) public sharesOf;
    /// @notice What was ever paid out of a token, to all and to one.
    mapping(IERC20 token => uint256) public totalReleased;
    mapping(IERC20 token => mapping(address payee => uint256)) public released;

    event Released(address indexed token, address indexed payee, uint256 amount);

    error LengthsDiffer(uint256 payees, uint256 shares);
    error ZeroAddress();
    error ZeroShare(address payee);
    error SharesNotWhole(uint256 bps);
    error NotPayee(address account);
    error NothingToRelease(address token, address payee);

    /// @param accounts May name an account twice: its shares add up.
    /// @param shares Basis points, 10,000 together.
    constructor(address[] memory accounts, uint256[] memory shares) {
        if (accounts.length != shares.length) revert LengthsDiffer(accounts.length, shares.length);
        uint256 total;
        for (uint256 i; i < accounts.length; ++i) {
            address payee = accounts[i];
            if (payee == address(0) || payee == address(this)) revert ZeroAddress();
            if (shares[i] == 0) revert ZeroShare(payee);
            if (sharesOf[payee] == 0) payeeList.push(payee);
            sharesOf[payee] += shares[i];
            total += shares[i];
        }
        if (total != BPS) revert SharesNotWhole(total);
    }

    /// @notice Sends `payee` what it is owed of `token`. Anyone may call it.
    function release(IERC20 token, address payee) external returns (uint256 amount) {
        amount = releasable(token, payee);
        if (amount == 0) revert NothingToRelease(address(token), payee);
        totalReleased[token] += amount;
        released[token][payee] += amount;
        emit Released(address(token), payee, amount);
        token.safeTransfer(payee, amount);
    }

    /// @notice What `release` would pay now.
    function releasable(IERC20 token, address payee) public view returns (uint256) {
        uint256 share = sharesOf[payee];
        if (share == 0) revert NotPayee(payee);
        uint256 received = token.balanceOf(address(this)) + totalReleased[token];
        return received * share / BPS - released[token][payee];
    }

    function payees() external view returns (address[] memory) {
        return payeeList;
    }
}
