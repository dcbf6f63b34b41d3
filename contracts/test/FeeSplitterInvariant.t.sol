// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {FeeSplitterHandler} from "./support/FeeSplitterHandler.sol";
import {Test} from "./support/Test.sol";

/// @notice What holds of shared fees after any sequence of calls.
contract FeeSplitterInvariantTest is Test {
    FeeSplitterHandler internal handler;

    function setUp() public {
        handler = new FeeSplitterHandler();
    }

    /// @dev Asked by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_sharesAreExact() external view {
        handler.check();
    }
}
