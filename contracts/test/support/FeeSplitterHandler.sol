// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FeeSplitter} from "../../src/FeeSplitter.sol";
import {TestUSD} from "../../src/TestUSD.sol";
import {Test} from "./Test.sol";

/// @notice Brings fees of two tokens and takes shares, in any order.
contract FeeSplitterHandler is Test {
    uint256 public constant PAYEES = 5;
    FeeSplitter public immutable SPLITTER;
    TestUSD[2] internal tokens;
    uint256[2] internal received;

    constructor() {
        address[] memory accounts = new address[](PAYEES);
        uint256[] memory shares = new uint256[](PAYEES);
        for (uint256 i; i < PAYEES; ++i) {
            accounts[i] = payee(i);
        }
        (shares[0], shares[1], shares[2], shares[3], shares[4]) = (4_000, 2_500, 2_000, 1_000, 500);
        SPLITTER = new FeeSplitter(accounts, shares);
        (tokens[0], tokens[1]) = (new TestUSD(), new TestUSD());
    }

    function payee(uint256 index) public pure returns (address) {
        return address(uint160(0xFEE0 + index % PAYEES));
    }

    /// @dev Each token: shares are exact, and what came is what was paid and what is there.
    function check() external view {
        for (uint256 t; t < 2; ++t) {
            IERC20 token = IERC20(address(tokens[t]));
            uint256 paid;
            uint256 due;
            for (uint256 i; i < PAYEES; ++i) {
                paid += token.balanceOf(payee(i));
                due += SPLITTER.releasable(token, payee(i));
                assertEq(
                    token.balanceOf(payee(i)) + SPLITTER.releasable(token, payee(i)),
                    received[t] * SPLITTER.sharesOf(payee(i)) / 10_000,
                    "a share"
                );
            }
            uint256 held = token.balanceOf(address(SPLITTER));
            assertEq(paid + held, received[t], "conserved");
            assertLe(due, held, "more is due than is there");
            assertLe(held - due, PAYEES - 1, "dust");
        }
    }

    function pay(uint256 which, uint256 amount) external {
        amount = bound(amount, 0, 1e11);
        tokens[which % 2].mint(address(SPLITTER), amount);
        received[which % 2] += amount;
    }

    function release(uint256 which, uint256 who) external {
        IERC20 token = IERC20(address(tokens[which % 2]));
        uint256 due = SPLITTER.releasable(token, payee(who));
        try SPLITTER.release(token, payee(who)) returns (uint256 amount) {
            assertEq(amount, due, "released");
        } catch {
            assertEq(due, 0, "a payee could not be paid");
        }
    }
}
