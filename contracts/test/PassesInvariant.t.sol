// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PassesHandler} from "./support/PassesHandler.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

/// @notice What holds of passes after any sequence of calls.
contract PassesInvariantTest is Test {
    PassesHandler internal handler;

    function setUp() public {
        handler = new PassesHandler();
    }

    /// @dev Asked by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev To the unit: nothing is created, nothing is lost; and nobody gets more out of a pass than was paid for it.
    function invariant_everyUnitIsOwed() external view {
        (uint256 held, uint256 owed) = handler.everyUnit();
        assertEq(held, owed, "held and owed");
        (uint256 there, uint256 counted) = handler.behindChannels();
        assertLe(counted, there, "behind channels");
        handler.checkBooks();
    }

    function afterInvariant() external {
        handler.endAll();
        handler.checkBooks();
    }
}
