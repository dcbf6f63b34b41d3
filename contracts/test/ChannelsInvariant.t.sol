// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Channels} from "../src/Channels.sol";
import {ChannelsHandler} from "./support/ChannelsHandler.sol";
import {Test} from "./support/Test.sol";
import {vm} from "./support/Vm.sol";

/// @notice What holds after any sequence of calls; the handler checks what may never go back.
contract ChannelsInvariantTest is Test {
    ChannelsHandler internal handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new ChannelsHandler();
    }

    /// @dev Asked by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Not only enough to pay everyone, but to the unit: nothing is created, nothing is lost.
    function invariant_everyUnitIsOwed() external view {
        Channels channels = handler.CHANNELS();
        uint256 owed = handler.donated() + channels.balanceOf(handler.keyHolder());
        for (uint256 i; i < handler.partyCount(); ++i) {
            owed += channels.balanceOf(handler.party(i)) + channels.earned(handler.party(i));
        }
        bytes32[] memory ids = handler.channelIds();
        for (uint256 i; i < ids.length; ++i) {
            Channels.ChannelState memory state = channels.channel(ids[i]);
            assertLe(state.settled, state.deposit, "settled above the deposit");
            if (state.status == 2) assertEq(state.deposit, state.settled, "a closed channel holds money");
            owed += state.deposit - state.settled;
        }
        assertEq(handler.TOKEN().balanceOf(address(channels)), owed, "held and owed");
        // Three amounts with three salts are nine authorizations of eighteen units.
        assertLe(handler.authorized(), 18, "authorizations worked once each");
    }

    /// @dev From wherever a run ended, everybody gets out what is its own, with nobody's help.
    function afterInvariant() external {
        handler.everybodyLeaves();
    }
}
