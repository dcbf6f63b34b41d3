// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {StakeVault} from "../src/StakeVault.sol";
import {StakeVaultHandler} from "./support/StakeVaultHandler.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

/// @notice What holds of stakes after any sequence of calls.
contract StakeVaultInvariantTest is Test {
    StakeVaultHandler internal handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new StakeVaultHandler();
    }

    /// @dev Asked by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_everyUnitIsOwed() external view {
        StakeVault vault = handler.VAULT();
        assertEq(handler.TOKEN().balanceOf(address(vault)), handler.owed(), "held and owed");
        assertLe(vault.totalSlashed(), vault.totalBonded(), "slashed above what was bonded");
    }
}
